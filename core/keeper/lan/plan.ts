/** A machine's place on the network that the machines of one config share. */
export interface LanPlan {
  /** Name of the network; connections between machines begin with it. */
  readonly network: string;
  /** The machine's name on it. */
  readonly name: string;
  /** Socket for the VM's card: the keeper listens. */
  readonly card: string;
  /** Socket for the other machines' keepers. */
  readonly own: string;
  /** The same of the others, by machine. Those that do not run now come by themselves when they start. */
  readonly others: Readonly<Record<string, string>>;
}
