import { useEffect, useMemo, useState } from 'preact/hooks';
import { Drawer } from './inspector/drawer.tsx';
import { RoomScreen } from './rooms/room-screen.tsx';
import { RoomsPanel } from './rooms/rooms-panel.tsx';
import type { Account } from './session/account.ts';
import { ConnectionBanner } from './session/connection-banner.tsx';
import type { Session } from './session/session.ts';
import { SettingsPage } from './settings/settings-page.tsx';
import { texts } from './texts.ts';
import { openRoute, type Route } from './ui/hash-route.ts';
import { useSnapshot } from './ui/use-snapshot.ts';

interface LayoutProps {
  account: Account;
  session: Session;
}

/** The rooms at the side, and one room or the settings in the middle. A phone shows one of the two. */
export function Layout({ account, session }: LayoutProps) {
  const route = useSnapshot(useMemo(openRoute, []));
  const [inspects, setInspects] = useState(false);
  return (
    <main class={`layout layout-${route.page === 'rooms' ? 'side' : 'middle'} ${inspects ? 'layout-inspected' : ''}`}>
      <ConnectionBanner connection={session.connection} />
      <RoomsPanel session={session} route={route} onInspect={() => setInspects(!inspects)} />
      <Middle account={account} session={session} route={route} />
      {inspects && <Drawer inspection={session.inspection} onClose={() => setInspects(false)} />}
    </main>
  );
}

function Middle({ account, session, route }: LayoutProps & { route: Route }) {
  const title = route.page === 'settings' ? texts.settings.title : texts.name;
  useEffect(() => {
    if (route.page !== 'room') document.title = title;
  }, [route.page, title]);
  if (route.page === 'settings') return <SettingsPage account={account} session={session} />;
  if (route.page === 'room') return <RoomScreen key={route.roomId} session={session} roomId={route.roomId} />;
  return (
    <div class="middle middle-empty">
      <p>{texts.rooms.choose}</p>
    </div>
  );
}
