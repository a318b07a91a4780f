"""The style sheet of our own HTML: chips, sentence cards, evidence, marked notes, figures. Colour only repeats words.

Static text: nothing outside this file is ever put into it. Page colours and fonts are in `.streamlit/config.toml`; each
colour here is a pair for a light and a dark page, and the browser takes the one that Streamlit's theme asks for
(`color-scheme` on the page, CSS `light-dark()`).
"""

from __future__ import annotations

_COLOURS = """
:root {
  --or-soft: light-dark(#47525f, #c3ccd8); --or-quiet: light-dark(#56616e, #8f9bab);
  --or-strong: light-dark(#1b222b, #dfe5ec);
  --or-rim: light-dark(#b9c2cd, #364150); --or-fill: light-dark(#f1f4f7, #1b222c);
  --or-card: light-dark(#d0d7df, #2a323e);
  --or-ai: light-dark(#4a33a0, #cfc4ff); --or-ai-rim: light-dark(#8b7be0, #6b5aa8);
  --or-ai-fill: light-dark(#efebff, #262040);
  --or-ai-text: light-dark(#2c2166, #e3defc);
  --or-good: light-dark(#14613e, #a5e8c4); --or-good-rim: light-dark(#5bb287, #2f7d5b);
  --or-good-fill: light-dark(#e6f6ed, #12301f); --or-human-text: light-dark(#0f4a2f, #dff7ea);
  --or-warn: light-dark(#6e4a00, #ffd488); --or-warn-rim: light-dark(#cf9f3d, #7a5c1e);
  --or-warn-fill: light-dark(#fff4dc, #2c220d);
  --or-bad: light-dark(#94231c, #ffb1ab); --or-bad-rim: light-dark(#d98680, #8a3b3b);
  --or-bad-fill: light-dark(#fdeceb, #331616);
  --or-lit: light-dark(#0b7aa3, #4fd1ff); --or-lit-fill: light-dark(#e8f6fc, #10202b);
  --or-bar: light-dark(#3374ad, #6aaee4); --or-bar-empty: light-dark(#dfe5eb, #242c37);
}
"""

_CHIPS = """
.or-banner { display: flex; gap: .8rem; align-items: center; font-size: .82rem; color: var(--or-warn);
  letter-spacing: .01em; border: 1px solid var(--or-warn-rim); background: var(--or-warn-fill); border-radius: .4rem;
  padding: .3rem .8rem; }
.or-banner b { font-weight: 650; }
.or-chip { display: inline-block; font-size: .74rem; line-height: 1.5; padding: 0 .5rem; margin: 0 .3rem .15rem 0;
  border-radius: 1rem; border: 1px solid var(--or-rim); color: var(--or-soft); background: var(--or-fill);
  white-space: nowrap; }
.or-chip.or-derived { border-style: dashed; background: transparent; }
.or-chip.or-ai { border-color: var(--or-ai-rim); background: var(--or-ai-fill); color: var(--or-ai); font-weight: 600; }
.or-chip.or-human { border-color: var(--or-good-rim); background: var(--or-good-fill); color: var(--or-good);
  font-weight: 600; }
.or-chip.or-warn { border-color: var(--or-warn-rim); background: var(--or-warn-fill); color: var(--or-warn); }
.or-chip.or-bad { border-color: var(--or-bad-rim); background: var(--or-bad-fill); color: var(--or-bad); }
.or-chip.or-good { border-color: var(--or-good-rim); background: var(--or-good-fill); color: var(--or-good); }
.or-note { font-size: .74rem; color: var(--or-quiet); }
"""

_CARDS = """
.or-say { font-size: 1.02rem; line-height: 1.5; margin: .1rem 0 .35rem 0; }
.or-say.or-from-ai { border-left: 3px solid #8b7be0; padding-left: .7rem; color: var(--or-ai-text); }
.or-say.or-from-human { border-left: 3px solid #43b581; padding-left: .7rem; color: var(--or-human-text); }
.or-say.or-struck { text-decoration: line-through; text-decoration-color: #c46a6a; color: var(--or-quiet); }
[class*="st-key-card_"] { border-color: var(--or-card); transition: border-color .12s, background .12s; }
[class*="st-key-card_"]:has(.or-lit-card) { border-color: var(--or-lit) !important; background: var(--or-lit-fill);
  box-shadow: 0 0 0 1px var(--or-lit); }
[class*="st-key-card_"] { padding: .6rem .85rem .75rem; }
[class*="st-key-card_"], [class*="st-key-card_"] [data-testid="stVerticalBlock"] { gap: .35rem; }
[class*="st-key-head_"] { flex-wrap: nowrap; }
[class*="st-key-head_"] > :last-child { min-width: 0; flex: 1 1 0; }
[class*="st-key-opens_"] button { min-height: 1.45rem; padding: 0 .55rem; }
[class*="st-key-opens_"] button p { font-size: .76rem; }
.or-stored { font-size: .76rem; color: var(--or-good); font-variant-numeric: tabular-nums; }
.or-todo { font-size: .78rem; color: var(--or-warn); }
.or-signed { border: 1px solid var(--or-good-rim); background: var(--or-good-fill); border-radius: .4rem;
  padding: .7rem 1rem; }
"""

_EVIDENCE = """
.or-why { font-size: .82rem; line-height: 1.4; color: var(--or-soft); }
.or-why div { margin: 0; }
.or-why small { font-size: .7rem; color: var(--or-quiet); }
.or-bars { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: .2rem .55rem;
  margin: .3rem 0 .1rem 0; }
.or-input { font-size: .7rem; line-height: 1.25; color: var(--or-quiet); overflow-wrap: anywhere; }
.or-input b { display: block; font-weight: 550; color: var(--or-soft); }
.or-track { display: block; height: .42rem; border-radius: .2rem; background: var(--or-bar-empty); margin: .18rem 0; }
.or-track i { display: block; height: 100%; border-radius: .2rem; background: var(--or-bar); }
.or-track.or-against i { background: repeating-linear-gradient(45deg, var(--or-bad-rim) 0 3px, transparent 3px 6px);
  border: 1px solid var(--or-bad-rim); box-sizing: border-box; }
.or-track.or-none { background: transparent; border-top: 1px dashed var(--or-rim); height: 0; margin-top: .38rem; }
.or-sure { font-size: .7rem; line-height: 1.3; color: var(--or-quiet); }
.or-sign { font-size: .8rem; line-height: 1.4; border-left: 3px solid var(--or-rim); padding: .05rem 0 .05rem .55rem;
  margin: .25rem 0; color: var(--or-soft); overflow-wrap: anywhere; }
.or-sign.or-warn { border-color: var(--or-warn-rim); }
.or-sign.or-bad { border-color: var(--or-bad-rim); }
.or-sign b { font-weight: 620; }
.or-sign.or-warn b { color: var(--or-warn); }
.or-sign.or-bad b { color: var(--or-bad); }
.or-sign code { font-size: .7rem; color: var(--or-quiet); background: none; padding: 0; }
.or-facts { font-size: .74rem; line-height: 1.45; color: var(--or-soft); border-collapse: collapse; width: 100%;
  font-variant-numeric: tabular-nums; }
.or-facts th, .or-facts td { text-align: left; font-weight: 450; padding: .12rem .6rem .12rem 0; vertical-align: top;
  border: 0; border-bottom: 1px solid var(--or-card); overflow-wrap: anywhere; }
.or-facts thead th { color: var(--or-quiet); }
.or-draft { border: 1px solid var(--or-card); border-radius: .4rem; padding: .45rem .8rem; margin-top: .5rem; }
.or-draft b { font-size: .82rem; font-weight: 620; margin-right: .3rem; }
.or-more summary { font-size: .76rem; color: var(--or-soft); cursor: pointer; width: fit-content; }
.or-more summary:focus-visible { outline: 2px solid var(--or-lit); }
"""

_PAPER = """
.or-paper { white-space: pre-wrap; font-size: .9rem; line-height: 1.55; color: var(--or-soft);
  overflow-wrap: anywhere; }
.or-mark { background: light-dark(#ffedb0, #4a3d12); color: light-dark(#4d3a00, #ffe9ae); padding: 0 .12rem;
  border-radius: .15rem; }
.or-mark.or-lit { background: light-dark(#c6ebf9, #0f5573); color: light-dark(#06384b, #e6f8ff);
  box-shadow: 0 0 0 1px var(--or-lit); }
.or-mark sup { font-size: .62rem; margin-left: .1rem; opacity: .85; }
"""

_FIGURES = """
.or-kpi { font-size: 1.9rem; font-weight: 620; line-height: 1.15; font-variant-numeric: tabular-nums; }
.or-kpi small { font-size: .95rem; font-weight: 450; color: var(--or-quiet); margin-left: .45rem; }
.or-kpi-name { font-size: .86rem; color: var(--or-soft); font-weight: 600; }
.or-kpi-range { font-size: .84rem; color: var(--or-quiet); margin: .1rem 0 .45rem 0;
  font-variant-numeric: tabular-nums; }
.or-kpi-words { font-size: .82rem; line-height: 1.45; color: var(--or-quiet); }
"""

_PAGE = """
.block-container { padding-top: 4.3rem; padding-bottom: 3rem; max-width: 1720px; }
.or-head { font-size: .76rem; color: var(--or-quiet); text-transform: uppercase; letter-spacing: .05em; }
.or-cell { font-size: .92rem; line-height: 1.4; }
.or-cell small { display: block; color: var(--or-quiet); font-size: .8rem; }
.or-line { min-height: 1.6rem; }
.or-inputs { margin-top: .35rem; }
.or-section { font-size: 1.02rem; font-weight: 620; color: var(--or-strong); margin-top: .3rem; }
@media (min-width: 1000px) {
  [data-testid="stColumn"]:has(.st-key-report) {
    position: sticky; top: 4.2rem; align-self: flex-start; max-height: calc(100vh - 5rem); overflow-y: auto;
    padding-right: .4rem; scrollbar-width: thin; }
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
"""

STYLE = f"<style>{_COLOURS}{_PAGE}{_CHIPS}{_CARDS}{_EVIDENCE}{_PAPER}{_FIGURES}</style>"
