import { dirname, join } from "node:path";

/** What they are made from. */
interface Facts {
  readonly os: "linux" | "darwin";
  readonly uid: number;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Where podman keeps what we read and write of it. `docs/on-disk.md` tells what we do there. */
export interface PodmanPaths {
  /** Connections of podman 5 and newer. PODMAN_CONNECTIONS_CONF names another file. */
  readonly connections: string;
  /** The containers.conf that podman 4 writes its connections into: the user's, root's in /etc. CONTAINERS_CONF names another. */
  readonly ownConf: string;
  /** Every containers.conf in the order in which they are read, later ones win; a name that ends in .d is a folder of further ones. */
  readonly confs: readonly string[];
  /** What CONTAINERS_CONF and CONTAINERS_CONF_OVERRIDE name: such a file must be there. */
  readonly namedConfs: readonly string[];
  /** Records of podman's own machines: a folder a provider, a file a machine. */
  readonly machineConfig: string;
  /** Their disks, and the key that they share. */
  readonly machineData: string;
}

const systemConf = "/etc/containers/containers.conf";

/**
 * podman's files, as go.podman.io/common has them (pkg/config/new.go, connections.go, config_unix.go). Unlike our own folders these
 * are the same on macOS as on Linux.
 */
export function podmanPaths(facts: Facts): PodmanPaths {
  const { env, uid, os } = facts;
  /** The home is asked for where it is needed alone: some have none. */
  const folder = (variable: string, fallback: string): string => env[variable] || join(facts.home, fallback);
  const config = folder("XDG_CONFIG_HOME", ".config");
  const userConf = join(config, "containers/containers.conf");
  const only = env["CONTAINERS_CONF"] || undefined;
  const last = env["CONTAINERS_CONF_OVERRIDE"] || undefined;
  const named = [only, last].filter((path) => path !== undefined);
  const usual = ["/usr/share/containers/containers.conf", systemConf, `${systemConf}.d`, userConf, `${userConf}.d`];
  return {
    connections: env["PODMAN_CONNECTIONS_CONF"] || join(dirname(userConf), "podman-connections.json"),
    ownConf: only ?? (uid === 0 && os === "linux" ? systemConf : userConf),
    confs: [...(only === undefined ? usual : [only]), ...(last === undefined ? [] : [last])],
    namedConfs: named,
    machineConfig: join(config, "containers/podman/machine"),
    machineData: join(folder("XDG_DATA_HOME", ".local/share"), "containers/podman/machine"),
  };
}
