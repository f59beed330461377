import { css } from "lit";

export const styles = css`
  :host {
    --_accent: var(--tidings-accent, light-dark(#3b5bdb, #8ea5ff));
    --_on-accent: var(--tidings-on-accent, light-dark(#fff, #10142a));
    --_background: var(--tidings-background, light-dark(#fff, #1b1d23));
    --_raised: var(--tidings-raised, light-dark(#f4f5f8, #262932));
    --_text: var(--tidings-text, light-dark(#1c1f26, #eceef3));
    --_muted: var(--tidings-muted, light-dark(#5b6270, #a4abba));
    --_border: var(--tidings-border, light-dark(#e1e4ea, #353944));
    --_warning: var(--tidings-warning, light-dark(#8a5a00, #ffc45c));
    --_urgent: var(--tidings-urgent, light-dark(#b42318, #ff8f85));
    --_radius: var(--tidings-radius, 12px);
    --_font: var(--tidings-font, system-ui, sans-serif);
    color-scheme: light dark;
    display: inline-block;
    position: relative;
    min-width: 40px;
    min-height: 40px;
    font: 14px/1.45 var(--_font);
    color: var(--_text);
  }
  :host([theme="light"]) {
    color-scheme: light;
  }
  :host([theme="dark"]) {
    color-scheme: dark;
  }
  * {
    box-sizing: border-box;
  }
  button,
  select,
  input {
    font: inherit;
    color: inherit;
  }
  button {
    background: none;
    border: 0;
    padding: 0;
    cursor: pointer;
    border-radius: 8px;
  }
  :focus-visible {
    outline: 2px solid var(--_accent);
    outline-offset: 1px;
  }
  [hidden] {
    display: none !important;
  }
  .icon {
    width: 36px;
    height: 36px;
    display: grid;
    place-items: center;
    color: var(--_muted);
  }
  .icon:hover {
    background: var(--_raised);
    color: var(--_text);
  }
  .bell {
    position: relative;
    width: 40px;
    height: 40px;
    border-radius: 50%;
    color: inherit;
  }
  .badge {
    position: absolute;
    inset-block-start: -3px;
    inset-inline-end: -6px;
    pointer-events: none;
    min-width: 18px;
    height: 18px;
    padding: 0 5px;
    border-radius: 9px;
    background: var(--tidings-badge, light-dark(#c92a2a, #ff8787));
    color: var(--tidings-on-badge, light-dark(#fff, #2b0b0b));
    font-size: 11px;
    font-weight: 700;
    line-height: 18px;
    text-align: center;
  }
  .panel {
    position: absolute;
    z-index: 1000;
    inset-block-start: calc(100% + 8px);
    inset-inline-end: 0;
    width: 400px;
    height: min(640px, calc(100vh - 96px));
    display: flex;
    flex-direction: column;
    overflow: hidden;
    background: var(--_background);
    border: 1px solid var(--_border);
    border-radius: var(--_radius);
    box-shadow: 0 12px 32px rgb(0 0 0 / 0.18);
    text-align: start;
  }
  @media (max-width: 480px) {
    .panel {
      position: fixed;
      inset: 8px;
      width: auto;
      height: auto;
    }
  }
  .header {
    display: flex;
    align-items: center;
    gap: 4px;
    padding: 10px 10px 6px 16px;
  }
  :host(:dir(rtl)) .header {
    padding: 10px 16px 6px 10px;
  }
  h2 {
    flex: 1;
    margin: 0;
    font-size: 16px;
    font-weight: 650;
  }
  h3 {
    position: sticky;
    inset-block-start: 0;
    z-index: 1;
    margin: 0;
    padding: 8px 16px 4px;
    background: var(--_background);
    color: var(--_muted);
    font-size: 12px;
    font-weight: 600;
  }
  .tabs {
    display: flex;
    gap: 16px;
    padding: 0 16px;
    border-block-end: 1px solid var(--_border);
  }
  .tabs button {
    padding: 8px 0;
    border-radius: 0;
    color: var(--_muted);
    border-block-end: 2px solid transparent;
    margin-block-end: -1px;
  }
  .tabs button[aria-selected="true"] {
    color: var(--_text);
    font-weight: 600;
    border-color: var(--_accent);
  }
  .tabs .number {
    margin-inline-start: 4px;
    font-weight: 400;
    color: var(--_muted);
  }
  .filters {
    display: flex;
    gap: 6px;
    padding: 10px 16px 6px;
    overflow-x: auto;
    scrollbar-width: none;
    flex: none;
  }
  .filters select {
    max-width: 150px;
  }
  .filters select,
  .chip {
    flex: none;
    height: 28px;
    padding: 0 10px;
    border: 1px solid var(--_border);
    border-radius: 14px;
    background: var(--_background);
    font-size: 12px;
    white-space: nowrap;
  }
  .chip:hover {
    background: var(--_raised);
  }
  .chip[aria-pressed="true"] {
    background: var(--_accent);
    border-color: var(--_accent);
    color: var(--_on-accent);
  }
  .scroll {
    flex: 1;
    overflow-y: auto;
    overscroll-behavior: contain;
  }
  ul {
    list-style: none;
    margin: 0;
    padding: 0;
  }
  .item {
    position: relative;
    display: grid;
    grid-template-columns: 1fr auto;
    border-block-end: 1px solid var(--_border);
  }
  .item:hover {
    background: var(--_raised);
  }
  .main {
    display: block;
    width: 100%;
    min-width: 0;
    padding: 10px 0 10px 28px;
    border-radius: 0;
    text-align: start;
  }
  :host(:dir(rtl)) .main {
    padding: 10px 28px 10px 0;
  }
  .main:focus-visible {
    outline-offset: -2px;
  }
  .dot {
    position: absolute;
    inset-inline-start: 12px;
    inset-block-start: 17px;
    width: 8px;
    height: 8px;
    border-radius: 50%;
    background: var(--_accent);
  }
  .title {
    display: block;
    overflow-wrap: anywhere;
  }
  .is-unread .title {
    font-weight: 620;
  }
  .body {
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 2;
    overflow: hidden;
    overflow-wrap: anywhere;
    color: var(--_muted);
  }
  .about {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 8px;
    margin-block-start: 2px;
    font-size: 12px;
    color: var(--_muted);
  }
  .warning {
    color: var(--_warning);
    font-weight: 600;
  }
  .urgent {
    color: var(--_urgent);
    font-weight: 600;
  }
  .item > .icon {
    margin: 6px 6px 0;
  }
  .buttons {
    grid-column: 1 / -1;
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    padding-inline: 28px 12px;
    padding-block-end: 12px;
  }
  .action,
  .primary {
    padding: 5px 12px;
    border: 1px solid var(--_border);
    border-radius: 8px;
    background: var(--_background);
    color: var(--_text);
    text-decoration: none;
    font-size: 13px;
    font-weight: 550;
  }
  .primary {
    background: var(--_accent);
    border-color: var(--_accent);
    color: var(--_on-accent);
  }
  .menu {
    position: absolute;
    z-index: 5;
    inset-inline-end: 10px;
    inset-block-start: 42px;
    min-width: 210px;
    padding: 4px;
    background: var(--_background);
    border: 1px solid var(--_border);
    border-radius: 10px;
    box-shadow: 0 8px 24px rgb(0 0 0 / 0.2);
  }
  .menu.up {
    inset-block: auto calc(100% - 10px);
  }
  .menu button {
    display: block;
    width: 100%;
    padding: 7px 10px;
    text-align: start;
  }
  .menu button:hover,
  .menu button:focus {
    background: var(--_raised);
  }
  .alert {
    display: flex;
    gap: 8px;
    margin: 8px 12px 0;
    padding: 8px 12px;
    border-inline-start: 3px solid currentColor;
    border-radius: 8px;
    background: var(--_raised);
    align-items: start;
  }
  .alert span {
    flex: 1;
    font-weight: 400;
    color: var(--_text);
  }
  .alert .icon {
    width: 24px;
    height: 24px;
  }
  .notice {
    padding: 6px 16px;
    background: var(--_raised);
    font-size: 12px;
  }
  .empty {
    display: grid;
    place-content: center;
    justify-items: center;
    gap: 4px;
    min-height: 60%;
    padding: 24px;
    text-align: center;
    color: var(--_muted);
  }
  .empty strong {
    color: var(--_text);
    font-size: 15px;
  }
  .skeleton {
    height: 74px;
    padding: 14px 28px;
    border-block-end: 1px solid var(--_border);
  }
  .skeleton::before,
  .skeleton::after {
    content: "";
    display: block;
    height: 12px;
    width: 70%;
    border-radius: 6px;
    background: var(--_raised);
  }
  .skeleton::after {
    width: 45%;
    margin-block-start: 12px;
  }
  .more {
    display: block;
    width: 100%;
    padding: 14px;
    border-radius: 0;
    color: var(--_muted);
  }
  .toast {
    position: absolute;
    z-index: 4;
    inset-inline: 12px;
    inset-block-end: 12px;
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 12px;
    padding: 8px 8px 8px 14px;
    border-radius: 10px;
    background: light-dark(#20242e, #f1f3f8);
    color: light-dark(#fff, #1c1f26);
  }
  .toast button {
    padding: 5px 10px;
    font-weight: 650;
    color: light-dark(#aebcff, #2f4ac0);
  }
  .preferences {
    padding: 4px 16px 24px;
  }
  table {
    width: 100%;
    border-collapse: collapse;
  }
  th {
    text-align: start;
    font-weight: 500;
  }
  thead th {
    padding-block: 6px;
    font-size: 12px;
    color: var(--_muted);
  }
  th[scope="rowgroup"] {
    padding-block: 12px 2px;
    font-size: 12px;
    color: var(--_muted);
  }
  td {
    width: 78px;
    padding-block: 5px;
    font-size: 11px;
    color: var(--_muted);
    text-align: center;
    vertical-align: top;
  }
  tbody th[scope="row"] {
    padding-block: 5px;
    overflow-wrap: anywhere;
    vertical-align: top;
  }
  td input {
    display: block;
    width: 18px;
    height: 18px;
    margin: 1px auto 2px;
    accent-color: var(--_accent);
  }
  fieldset {
    margin: 20px 0 0;
    padding: 12px 0 0;
    border: 0;
    border-block-start: 1px solid var(--_border);
  }
  legend {
    float: inline-start;
    width: 100%;
    padding: 0;
    font-weight: 650;
  }
  .hours {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
    align-items: end;
    margin-block-start: 8px;
  }
  .hours label {
    display: grid;
    font-size: 12px;
    color: var(--_muted);
  }
  .hours input:not([type="checkbox"]) {
    height: 32px;
    padding: 0 8px;
    border: 1px solid var(--_border);
    border-radius: 8px;
    background: var(--_background);
    color: var(--_text);
  }
  .hours .zone input {
    width: 170px;
  }
  .hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  @media (prefers-reduced-motion: no-preference) {
    .panel,
    .toast,
    .menu {
      animation: appear 0.12s ease-out;
    }
    @keyframes appear {
      from {
        opacity: 0;
        transform: translateY(-4px);
      }
    }
  }
`;
