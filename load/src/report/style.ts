/** The report's look; follows the reader's light or dark. */
export const STYLE = `
:root{--bg:#f5f6fb;--card:#fff;--ink:#171a2b;--soft:#5d6380;--line:#e4e7f2;--good:#0f9d76;--bad:#d92d5b;--open:#9a6b00;--goodbg:#e3f7f0;--badbg:#fde8ee;--openbg:#fff4d9}
@media(prefers-color-scheme:dark){:root{--bg:#0e1020;--card:#181b30;--ink:#eceefb;--soft:#9aa1c3;--line:#282c48;--good:#3fd6a8;--bad:#ff7095;--open:#f5c25b;--goodbg:#12352d;--badbg:#3d1626;--openbg:#3a2d0e}}
*{box-sizing:border-box}html{scroll-behavior:smooth}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;font-variant-numeric:tabular-nums}
header{padding:44px max(24px,calc(50vw - 600px)) 84px;color:#fff;background:linear-gradient(120deg,#2a2f6b,#4f7cff 55%,#18b48a)}
header.bad{background:linear-gradient(120deg,#4a1440,#d92d5b 60%,#f0a020)}
header h1{margin:4px 0 10px;font-size:34px;line-height:1.2;letter-spacing:-.02em}header p{margin:2px 0;opacity:.92}
.brand{text-transform:uppercase;letter-spacing:.14em;font-size:12px;font-weight:600}.machine{font-size:13px;opacity:.8!important}
main{max-width:1200px;margin:-52px auto 60px;padding:0 24px}
nav,section{background:var(--card);border:1px solid var(--line);border-radius:16px;box-shadow:0 8px 28px rgb(15 20 60/.07);margin-bottom:22px}
nav{overflow-x:auto;padding:8px 14px}table{width:100%;border-collapse:collapse;white-space:nowrap}
th,td{padding:9px 12px;text-align:right;border-bottom:1px solid var(--line)}tbody tr:last-child td{border:0}
th{font-size:12px;font-weight:600;color:var(--soft)}th:nth-child(2),td:nth-child(2),td:first-child{text-align:left}
a{color:inherit;text-decoration-color:#4f7cff;text-underline-offset:3px}
section{padding:24px 26px 18px}h2{margin:0 0 6px;font-size:21px;letter-spacing:-.01em;display:flex;align-items:center;gap:10px;flex-wrap:wrap}
h2 code{font-size:13px;color:var(--soft);font-weight:400}section>p{margin:0 0 16px;color:var(--soft);max-width:80ch}code{font:13px ui-monospace,Menlo,Consolas,monospace}
.badge{font-size:12px;font-weight:650;padding:2px 10px;border-radius:99px;letter-spacing:.02em}.badge.good{background:var(--goodbg);color:var(--good)}.badge.bad{background:var(--badbg);color:var(--bad)}
.checks{list-style:none;margin:0 0 18px;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(190px,1fr));gap:10px}
.checks li{border-radius:12px;padding:11px 14px;display:flex;flex-direction:column;border-left:4px solid}
.checks b{font-size:20px;letter-spacing:-.01em}.checks span{font-size:13px}.checks em{font-style:normal;font-size:12px;color:var(--soft)}
.checks .good{background:var(--goodbg);border-color:var(--good)}.checks .bad{background:var(--badbg);border-color:var(--bad)}.checks .open{background:var(--openbg);border-color:var(--open)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:18px}figure{margin:0;min-width:0}
figcaption{display:flex;gap:8px;align-items:baseline;font-size:13px;flex-wrap:wrap}figcaption em{font-style:normal;color:var(--soft);font-size:12px}
.legend{margin-left:auto;color:var(--soft);font-size:12px;display:flex;gap:12px}.legend i{display:inline-block;width:9px;height:9px;border-radius:3px;margin-right:5px}
svg{width:100%;height:auto;display:block}.grid{stroke:var(--line)}.tick{fill:var(--soft);font-size:10.5px}
.curve{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}.area{opacity:.13}.bound{stroke:var(--bad);stroke-dasharray:5 4;stroke-width:1.4}
.mark line{stroke:var(--soft);stroke-dasharray:2 3;opacity:.55}.mark circle{fill:var(--soft)}.mark:hover line{opacity:1;stroke-dasharray:none}
.rest{font-size:13px;margin:16px 0 0!important;max-width:none!important}.rest b{color:var(--ink);font-weight:600}.fault{white-space:pre-wrap;background:var(--badbg);color:var(--bad);padding:12px;border-radius:10px;font-size:12.5px}
footer{color:var(--soft);font-size:13px;max-width:90ch;padding:4px 6px}
@media print{header{color-adjust:exact;print-color-adjust:exact}section{break-inside:avoid}}
`;
