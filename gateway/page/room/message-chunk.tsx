import { Component } from 'preact';
import { type Chunk, isSameChunk } from './chunks.ts';
import { MessageRow, type RowContext } from './message-row.tsx';

interface ChunkProps {
  chunk: Chunk;
  context: RowContext;
  /** Another object when a name has changed. */
  names: unknown;
}

/** Some messages. With 10,000 of them, only the chunks that changed are compared with the page. */
export class MessageChunk extends Component<ChunkProps> {
  override shouldComponentUpdate({ chunk, context, names }: ChunkProps): boolean {
    const { props } = this;
    return names !== props.names || context !== props.context || !isSameChunk(chunk, props.chunk);
  }

  override render({ chunk, context }: ChunkProps) {
    return (
      <div class="message-chunk">
        {chunk.messages.map((message, index) => (
          <MessageRow
            key={message.ref}
            message={message}
            before={index === 0 ? chunk.before : chunk.messages[index - 1]}
            context={context}
          />
        ))}
      </div>
    );
  }
}
