/** The ids in all examples of the documents. A test replaces them with ids that exist. */
export const exampleIds = {
  ann: '01a21028-6f43-7439-bcf4-b89799455111',
  bob: '01a21028-6fa2-74f0-a293-65f72ae36895',
  room: '01a21028-6fce-7b3b-8476-c40c834da151',
  message: '01a21028-73e2-7bc8-9ac3-1680871cb134',
} as const;

const { ann, room, message } = exampleIds;
const times = { createdAt: '2026-01-02T03:04:05.678Z', updatedAt: '2026-01-02T03:04:05.678Z' };

const examplePerson = {
  ...{ id: ann, ...times, firstName: 'Ann', lastName: 'Example', email: 'ann@example.com' },
  ...{ roles: ['user'], isOnline: true },
};

export const exampleRoom = {
  ...{ id: room, ...times, name: 'Tea room', ownerId: ann, roomType: 'Public' },
  users: [examplePerson],
};

export const exampleUser = { ...examplePerson, rooms: [exampleRoom] };

export const exampleMessage = {
  ...{ id: message, seq: 3, roomId: room, userId: ann, command: 'CreateMessage', targetId: room },
  ...{ text: 'Hello World!', ...times, ref: '0b8b6a3e-7a43-4c0e-9d2f-5f3a1c9d7e10' },
};
