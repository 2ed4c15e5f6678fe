/** How patient a download is, and what it refuses. Tests bring their own. */
export interface DownloadLimits {
  /** Until a connection stands, in milliseconds. */
  readonly connectMs: number;
  /** Until the answer begins. */
  readonly headersMs: number;
  /** Between two pieces of the body: then the download has stalled, and is begun again where it stopped. */
  readonly stallMs: number;
  /** How often in a row an address may fail without a single byte before it is given up. */
  readonly tries: number;
  /** Milliseconds before another try; the first has number 1. */
  pauseMs(failed: number): number;
  /** The most bytes that an image of so many packed bytes may have when it is unpacked. */
  mostUnpacked(packed: number): number;
}

/** Doubled each time up to half a minute, and blurred, so that many clients do not come back together. */
export const usualLimits: DownloadLimits = {
  connectMs: 20_000, headersMs: 60_000, stallMs: 30_000, tries: 5,
  pauseMs: (failed) => Math.min(30_000, 1000 * 2 ** (failed - 1)) * (0.5 + Math.random() / 2),
  // Distributions' disks, zeros and all, have some 10 GiB and are packed to a fiftieth at most; a bomb has a thousand times its size.
  mostUnpacked: (packed) => 64 * 2 ** 30 + 200 * packed,
};
