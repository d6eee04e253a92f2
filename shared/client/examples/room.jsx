import { useEffect, useState, useSyncExternalStore } from 'react';

/** Shows one room and lets the user write. `client` is a RoomsClient that lives as long as the page. */
export function Room({ client, roomId }) {
  const [view, setView] = useState();
  useEffect(() => {
    const opened = client.room(roomId);
    setView(opened);
    return () => opened.close();
  }, [client, roomId]);
  return view ? <Messages view={view} /> : null;
}

function Messages({ view }) {
  const { name, messages, hasOlder } = useSyncExternalStore(view.subscribe, view.getSnapshot);
  const write = (event) => {
    event.preventDefault();
    // A refusal is shown with the message, so it is no error here.
    view.write(new FormData(event.currentTarget).get('text')).catch(() => undefined);
    event.currentTarget.reset();
  };
  return (
    <section>
      <h1>{name}</h1>
      {hasOlder && (
        <button type="button" onClick={() => view.loadOlder().catch(reportError)}>
          Older messages
        </button>
      )}
      <ol>
        {messages.map((message) => (
          <li key={message.ref}>
            {message.text} {message.state === 'sending' && '…'}
            {message.state === 'failed' && (
              <button type="button" onClick={() => view.retry(message.ref)}>
                Try again
              </button>
            )}
          </li>
        ))}
      </ol>
      <form onSubmit={write}>
        <input name="text" aria-label="Message" required />
      </form>
    </section>
  );
}
