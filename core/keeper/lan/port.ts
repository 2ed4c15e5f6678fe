import type { Socket } from "node:net";
import { LanDecoder, type LanFrame } from "./frames.ts";

/** Bytes that may wait for a receiver. What comes on top is dropped, as any switch does: those who care send again. */
const longestQueue = 1024 * 1024;

/** One end of the network: the VM's card, or another machine's switch. */
export interface LanPort {
  readonly socket: Socket;
  send(frame: LanFrame): void;
  close(): void;
}

/** Makes a port of a connection. `take` gets each frame; the connection ends at the first thing that is no frame. */
export function openLanPort(socket: Socket, take: (frame: LanFrame) => void): LanPort {
  const decoder = new LanDecoder();
  socket.on("data", (chunk: Buffer) => {
    try {
      for (const frame of decoder.push(chunk)) take(frame);
    } catch {
      socket.destroy();
    }
  });
  socket.on("error", () => {});
  return {
    socket,
    send(frame) {
      if (!socket.destroyed && socket.writableLength < longestQueue) socket.write(frame);
    },
    close: () => socket.destroy(),
  };
}
