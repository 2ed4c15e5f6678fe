import { readFileSync } from "node:fs";
import { X509Certificate } from "node:crypto";
import { findConfig } from "../config.ts";
import { isMachineError, messageOf } from "../errors.ts";
import type { Finding, HostCheck } from "./finding.ts";

/** Proxies of the environment: addresses that can be read. */
export const proxyCheck: HostCheck = {
  title: "proxies",
  look({ host: { env } }) {
    const named = Object.entries(env).filter(([name, value]) => /^(https?|ftp|all)_proxy$/i.test(name) && value);
    const findings = named.flatMap(([name, value = ""]): Finding[] => {
      const url = URL.canParse(value) ? new URL(value) : undefined;
      if (url && /^(https?|socks[45]?h?):$/.test(url.protocol) && url.hostname !== "") return [];
      return [{ id: "proxy-unreadable", level: "broken", what: `${name} is no address of a proxy`, fix: `export ${name}=http://HOST:PORT` }];
    });
    return { findings, ...(named.length > 0 && { fact: named.map(([name]) => name).join(", ") }) };
  },
};

/** Certificates that the environment names. */
export const certificatesCheck: HostCheck = {
  title: "certificates",
  look({ host: { env } }) {
    const named = ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"].flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
    return { findings: named.flatMap(([name, path]) => problemsOf(name, path)), ...(named.length > 0 && { fact: named.map(([name]) => name).join(", ") }) };
  },
};

function problemsOf(name: string, path: string): Finding[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return [{ id: "ca-file-missing", level: "broken", what: `the certificates that ${name} names cannot be read: ${messageOf(error)}`, fix: `unset ${name}` }];
  }
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return [{ id: "ca-file-empty", level: "broken", what: `the file ${path} that ${name} names holds no certificate in PEM form`, fix: `unset ${name}` }];
  const expired = blocks.filter((block) => isExpired(block)).length;
  if (expired < blocks.length) return [];
  return [{ id: "ca-expired", level: "warning", what: `every certificate in ${path}, which ${name} names, has expired`, fix: "Get the certificates anew from whoever gave them out" }];
}

function isExpired(pem: string): boolean {
  try {
    return Date.parse(new X509Certificate(pem).validTo) < Date.now();
  } catch {
    return true; // of no use either
  }
}

/** A clock that is behind makes every certificate invalid. */
export const clockCheck: HostCheck = {
  title: "clock",
  look({ machines }) {
    const latest = Math.max(0, ...machines.flatMap(({ record }) => [Date.parse(record.created), record.lastUp === null ? 0 : Date.parse(record.lastUp)]));
    if (Date.now() + 60_000 >= latest) return { findings: [] };
    return { findings: [{ id: "host-clock-behind", level: "broken", what: `the host's clock says ${new Date().toISOString()}, and a machine was up on ${new Date(latest).toISOString()}`, fix: "Set the host's clock: sudo timedatectl set-ntp true" }] };
  },
};

/** The config that a verb would load from here. */
export const configCheck: HostCheck = {
  title: "config",
  async look({ run: { cwd, paths }, host }) {
    try {
      const { script } = await findConfig({ cwd, userFolder: paths.config, uid: host.uid });
      return { findings: [], ...(script !== undefined && { fact: script }) };
    } catch (error) {
      return { findings: [{ id: "config-refused", level: "broken", what: messageOf(error), fix: isMachineError(error) && error.hint !== undefined ? error.hint : "Name another with --config" }] };
    }
  },
};
