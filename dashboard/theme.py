"""The style sheet of our own HTML: chips, sentence cards, marked notes, figures. Colour only repeats what words say.

Static text: nothing outside this file is ever put into it. Page colours and fonts are in `.streamlit/config.toml`.
"""

from __future__ import annotations

STYLE = """
<style>
.block-container { padding-top: 4.3rem; padding-bottom: 3rem; max-width: 1720px; }
.or-banner { display: flex; gap: .8rem; align-items: center; font-size: .82rem; color: #ffd9a0; letter-spacing: .01em;
  border: 1px solid #5b4420; background: #241b0e; border-radius: .4rem; padding: .3rem .8rem; }
.or-banner b { color: #ffbf5f; font-weight: 650; }
.or-chip { display: inline-block; font-size: .74rem; line-height: 1.5; padding: 0 .5rem; margin: 0 .3rem .15rem 0;
  border-radius: 1rem; border: 1px solid #364150; color: #c3ccd8; background: #1b222c; white-space: nowrap; }
.or-chip.or-derived { border-style: dashed; color: #aab6c5; background: transparent; }
.or-chip.or-ai { border-color: #6b5aa8; background: #262040; color: #cfc4ff; font-weight: 600; }
.or-chip.or-human { border-color: #2f7d5b; background: #12301f; color: #a5e8c4; font-weight: 600; }
.or-chip.or-warn { border-color: #7a5c1e; background: #2c220d; color: #ffd488; }
.or-chip.or-bad { border-color: #8a3b3b; background: #331616; color: #ffb1ab; }
.or-chip.or-good { border-color: #2f7d5b; background: #12301f; color: #a5e8c4; }
.or-note { font-size: .74rem; color: #8794a5; }
.or-say { font-size: 1.02rem; line-height: 1.5; margin: .1rem 0 .35rem 0; }
.or-say.or-from-ai { border-left: 3px solid #8b7be0; padding-left: .7rem; color: #e3defc; }
.or-say.or-from-human { border-left: 3px solid #43b581; padding-left: .7rem; color: #dff7ea; }
.or-say.or-struck { text-decoration: line-through; text-decoration-color: #c46a6a; color: #948fae; }
[class*="st-key-card_"] { border-color: #2a323e; transition: border-color .12s, background .12s; }
[class*="st-key-card_"]:has(.or-lit-card) { border-color: #4fd1ff !important; background: #10202b;
  box-shadow: 0 0 0 1px #4fd1ff; }
[class*="st-key-card_"] [data-testid="stVerticalBlock"] { gap: .45rem; }
.or-paper { white-space: pre-wrap; font-size: .9rem; line-height: 1.55; color: #cdd5df; overflow-wrap: anywhere; }
.or-mark { background: #4a3d12; color: #ffe9ae; padding: 0 .12rem; border-radius: .15rem; }
.or-mark.or-lit { background: #0f5573; color: #e6f8ff; box-shadow: 0 0 0 1px #4fd1ff; }
.or-mark sup { font-size: .62rem; margin-left: .1rem; opacity: .85; }
.or-kpi { font-size: 1.9rem; font-weight: 620; line-height: 1.15; font-variant-numeric: tabular-nums; }
.or-kpi small { font-size: .95rem; font-weight: 450; color: #a9b4c2; margin-left: .45rem; }
.or-kpi-name { font-size: .86rem; color: #c3ccd8; font-weight: 600; }
.or-kpi-range { font-size: .84rem; color: #a9b4c2; margin: .1rem 0 .45rem 0; font-variant-numeric: tabular-nums; }
.or-kpi-words { font-size: .82rem; line-height: 1.45; color: #8f9bab; }
.or-head { font-size: .76rem; color: #8794a5; text-transform: uppercase; letter-spacing: .05em; }
.or-cell { font-size: .92rem; line-height: 1.4; }
.or-cell small { display: block; color: #8f9bab; font-size: .8rem; }
.or-line { min-height: 1.6rem; }
.or-stored { font-size: .76rem; color: #7fcfa5; font-variant-numeric: tabular-nums; }
.or-todo { font-size: .78rem; color: #ffcf85; }
.or-inputs { margin-top: .35rem; }
.or-section { font-size: 1.02rem; font-weight: 620; color: #dfe5ec; margin-top: .3rem; }
@media (min-width: 1000px) {
  [data-testid="stColumn"]:has(.st-key-report) {
    position: sticky; top: 4.2rem; align-self: flex-start; max-height: calc(100vh - 5rem); overflow-y: auto;
    padding-right: .4rem; scrollbar-width: thin; }
}
.or-signed { border: 1px solid #2f7d5b; background: #10261b; border-radius: .4rem; padding: .7rem 1rem; }
@media (prefers-reduced-motion: reduce) { * { transition: none !important; } }
</style>
"""
