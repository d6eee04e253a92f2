import type { Bearer } from '../accounts/tokens.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import type { LiveSocket } from '../live/attached-user.ts';
import type { SocketAdmission } from './admission.ts';
import { encodeWelcome } from './frame-codec.ts';
import type { CollectedResume, ResumeFrames } from './resume-frames.ts';

export interface AttachContext {
  gateway: GatewayContext;
  admission: SocketAdmission;
}

/** A socket that is not attached yet. */
export interface AttachingSocket extends LiveSocket {
  /** Finds and counts the user. @throws Refusal if the ticket or the token is not valid */
  findUser(): Promise<Bearer>;
}

/**
 * Finds the user of a socket, and attaches the socket to the rooms of the user.
 * @param resumeFrames undefined if the socket does not resume
 * @throws Refusal if the user is not known, or if a service does not answer. Then the socket must be closed.
 */
export async function attachSocket(
  socket: AttachingSocket,
  { gateway, admission }: AttachContext,
  resumeFrames: ResumeFrames | undefined,
): Promise<void> {
  if (!resumeFrames) {
    return admission.whileAttaching(async () => attachToHeads(socket, gateway, await socket.findUser()));
  }
  const bearer = await admission.whileAttaching(() => socket.findUser());
  // A socket that waits for its client takes no place of the sockets that attach.
  const resume = await resumeFrames.complete;
  return admission.whileAttaching(() => attachToPositions(socket, gateway, bearer, resume));
}

async function attachToHeads(socket: AttachingSocket, gateway: GatewayContext, bearer: Bearer): Promise<void> {
  await gateway.liveRooms.attach(socket, bearer, (rooms) => {
    if (socket.isV1) socket.send(encodeWelcome(bearer.userId, rooms, gateway.epoch));
  });
}

async function attachToPositions(
  socket: AttachingSocket,
  gateway: GatewayContext,
  bearer: Bearer,
  { epoch, ...resume }: CollectedResume,
): Promise<void> {
  const createRequest = () => ({ ...resume, isSameEpoch: epoch === gateway.epoch });
  await gateway.liveRooms.attachResuming(socket, bearer, createRequest, (rooms, more) =>
    socket.send(encodeWelcome(bearer.userId, rooms, gateway.epoch, more)),
  );
}
