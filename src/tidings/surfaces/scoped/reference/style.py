"""How the pages look: by day, by night, on a telephone and on paper."""

CSS = """
:root {
  color-scheme: light dark;
  --ink: #1c2024; --soft: #5b6470; --line: #dfe3e8; --paper: #fff; --panel: #f6f7f9; --link: #0b5cad;
  --get: #0b6e4f; --post: #0b5cad; --put: #8a5a00; --delete: #b3261e; --mark: #b3261e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e6e8eb; --soft: #9aa4b0; --line: #30363d; --paper: #14171a; --panel: #1c2025;
    --link: #7ab7ff;
    --get: #5fd0a5; --post: #7ab7ff; --put: #e6b45c; --delete: #ff8f87; --mark: #ff8f87;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: .15em; }
a:focus-visible, pre:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { font-size: .875em; overflow-wrap: anywhere; }
.top {
  border-bottom: 1px solid var(--line); font-size: .875rem;
  padding: .75rem max(1.25rem, calc((100% - 76rem) / 2 + 1.25rem));
  color: var(--soft);
}
.top a { color: inherit; }
.frame { max-width: 76rem; margin: 0 auto; padding: 0 1.25rem 4rem; }
nav { font-size: .875rem; border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 1rem; }
nav h2 {
  font-size: .75rem; letter-spacing: .06em; text-transform: uppercase; color: var(--soft);
  margin: 1rem 0 .25rem; border: 0; padding: 0;
}
nav ul, .index, .fields { list-style: none; margin: 0; padding: 0; }
nav li a {
  display: block; padding: .3rem .6rem; margin: 0 -.6rem; border-radius: .375rem; color: var(--ink);
  text-decoration: none;
}
nav li a:hover { background: var(--panel); }
nav [aria-current] { background: var(--panel); font-weight: 600; }
main { min-width: 0; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 2rem 0 .75rem; text-wrap: balance; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
p { margin: .5rem 0; max-width: 44rem; }
.soft { color: var(--soft); }
.call {
  display: flex; gap: .75rem; align-items: baseline; background: var(--panel);
  border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .9rem; max-width: none;
}
.method {
  font: 700 .75rem/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  letter-spacing: .04em;
}
.get { color: var(--get); }
.post { color: var(--post); }
.put { color: var(--put); }
.delete { color: var(--delete); }
dl {
  display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 1rem 0;
  font-size: .9375rem;
}
dt { color: var(--soft); } dd { margin: 0; min-width: 0; }
.fields > li { border-top: 1px solid var(--line); padding: .6rem 0; }
.fields > li:first-child { border-top: 0; }
.fields p { margin: .2rem 0 0; }
.fields .fields { border-left: 2px solid var(--line); margin: .5rem 0 0 .25rem; padding-left: 1rem; }
.name { font-weight: 600; }
.type { color: var(--soft); font-size: .875rem; margin-left: .5rem; }
.must { color: var(--mark); font-size: .8125rem; margin-left: .5rem; }
.answers .must { color: var(--soft); }
.old { color: var(--soft); font-size: .8125rem; margin-left: .5rem; font-style: italic; }
.more { font-size: .875rem; color: var(--soft); }
.values code {
  background: var(--panel); border: 1px solid var(--line); border-radius: .25rem;
  padding: .05rem .35rem;
}
.response { display: flex; gap: .75rem; align-items: baseline; }
.status { font-weight: 700; font-variant-numeric: tabular-nums; }
pre {
  background: var(--panel); border: 1px solid var(--line); border-radius: .5rem; padding: .9rem 1rem;
  overflow-x: auto; font-size: .8125rem; line-height: 1.5; tab-size: 2;
}
pre code { font-size: inherit; overflow-wrap: normal; }
.index li { border-top: 1px solid var(--line); }
.index a {
  display: grid; grid-template-columns: 4.5rem 1fr; gap: 0 .75rem; align-items: baseline;
  padding: .6rem 0; color: inherit; text-decoration: none;
}
.index a:hover .summary { color: var(--link); text-decoration: underline; }
.index code { grid-column: 2; color: var(--soft); }
@media (min-width: 62rem) {
  .frame.with-nav { display: grid; grid-template-columns: 17rem minmax(0, 1fr); gap: 3rem; }
  .with-nav nav {
    order: -1; border-top: 0; margin-top: 1.25rem; padding-top: 0; position: sticky; top: 0;
    align-self: start; max-height: 100vh; overflow-y: auto; padding-left: .6rem;
  }
}
@media print {
  :root { color-scheme: light; --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --panel: #fff;
    --link: #000;
    --get: #000; --post: #000; --put: #000; --delete: #000; --mark: #000; }
  html { font-size: 10pt; }
  nav, .top { display: none; }
  .frame { max-width: none; padding: 0; }
  .frame.with-nav { display: block; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; overflow: visible; }
  h1, h2, h3 { break-after: avoid; }
  pre, .fields li, .call { break-inside: avoid; }
  .fields > li:has(.fields) { break-inside: auto; }
}
"""
