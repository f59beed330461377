import { svg } from "lit";

const icon = (path: string) =>
  svg`<svg viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.75"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${path}></path></svg>`;

export const BELL = icon("M6 9a6 6 0 0 1 12 0c0 6 2.5 7 2.5 8h-17C3.5 16 6 15 6 9M10 20.5a2.2 2.2 0 0 0 4 0");
export const CLOSE = icon("M6 6l12 12M18 6L6 18");
export const GEAR = icon("M4 7h9m4 0h3M4 17h3m4 0h9M15 4.5v5M9 14.5v5");
export const BACK = icon("M15 5l-7 7 7 7");
export const MORE = icon("M5.5 12h.01M12 12h.01M18.5 12h.01");
export const CHECK = icon("M5 12.5l4.5 4.5L19 7.5");
export const PIN = icon("M9 4h6l-1 6 3 3H7l3-3-1-6M12 13v7");
