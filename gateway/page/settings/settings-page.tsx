import { useId } from 'preact/hooks';
import { texts } from '../texts.ts';
import { hashOf } from '../ui/hash-route.ts';
import { Icon } from '../ui/icons.tsx';
import type { SectionProps } from './section-props.ts';
import { sections } from './sections.ts';

/** The settings of the user. */
export function SettingsPage(props: SectionProps) {
  const id = useId();
  return (
    <div class="middle settings">
      <header class="room-header">
        <a class="icon-button" href={hashOf({ page: 'rooms' })} aria-label={texts.common.back}>
          <Icon name="back" />
        </a>
        <div class="room-header-title">
          <h1>{texts.settings.title}</h1>
        </div>
      </header>
      <div class="settings-sections">
        {sections.map(({ title, Content }, index) => (
          <section key={title} class="card" aria-labelledby={`${id}-${index}`}>
            <h2 id={`${id}-${index}`}>{title}</h2>
            <Content {...props} />
          </section>
        ))}
      </div>
    </div>
  );
}
