import type { ComponentType } from 'preact';
import { texts } from '../texts.ts';
import { EmailSection } from './email-section.tsx';
import { ProfileSection } from './profile-section.tsx';
import type { SectionProps } from './section-props.ts';
import { SessionsSection } from './sessions-section.tsx';

interface Section {
  title: string;
  Content: ComponentType<SectionProps>;
}

/** The sections of the settings, in their order. A new feature of the account adds its section here. */
export const sections: readonly Section[] = [
  { title: texts.settings.profile, Content: ProfileSection },
  { title: texts.settings.email, Content: EmailSection },
  { title: texts.settings.sessions, Content: SessionsSection },
];
