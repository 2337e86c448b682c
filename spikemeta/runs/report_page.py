"""How a report looks: its style, light and dark, on a phone and on paper; and the few lines by which its table sorts."""

STYLE = """:root{color-scheme:light dark;--text:#1a1a1a;--page:#fff;--line:#ccc;--code:#f3f3f3;--link:#0b57a4;--bad:#a00000}
@media(prefers-color-scheme:dark){:root{--text:#e8e8e8;--page:#161616;--line:#444;--code:#242424;--link:#8ec5ff;--bad:#ff9d9d}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--page);max-width:60rem;margin:2rem auto;
padding:0 1rem}.wide{overflow-x:auto}table{border-collapse:collapse}
th,td{padding:.25rem .8rem;border-bottom:1px solid var(--line);text-align:right}
th:first-child,td:first-child{text-align:left}
th button{font:inherit;font-weight:bold;color:var(--link);background:none;border:0;padding:0;cursor:pointer;text-align:inherit}
th[aria-sort=ascending] button::after{content:" \\2191"}th[aria-sort=descending] button::after{content:" \\2193"}
pre{background:var(--code);padding:1rem;overflow:auto;font-size:12px}summary{cursor:pointer}.failed{color:var(--bad)}
figure{margin:1rem 0}img{max-width:100%;background:#fff}figure a{display:block}.back{display:none}
figure div:target{position:fixed;inset:0;z-index:1;overflow:auto;background:var(--page);padding:1rem}
figure div:target img{width:100%;height:100%;object-fit:contain}
figure div:target .back{display:block;position:absolute;inset:0;text-align:right;padding:1rem;color:var(--link)}
@media print{:root{--text:#000;--page:#fff;--line:#999;--code:#fff;--link:#000;--bad:#000}
body{max-width:none;margin:0;padding:0;font-size:10pt}th,td{padding:.15rem .4rem}
figure,tr{break-inside:avoid}.wide{overflow:visible}pre{white-space:pre-wrap;overflow-wrap:anywhere}}"""

#: Heads of columns become buttons: first the largest number, or the first word; a number comes before what is none.
#: Without scripts the page is complete, unsorted.
SCRIPT = """for (const table of document.querySelectorAll("table")) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  heads.forEach((head, k) => {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.onclick = () => {
      const before = head.getAttribute("aria-sort"), rows = [...body.rows];
      const value = row => parseFloat(row.cells[k].textContent.replace("\u2212", "-"));
      const words = row => row.cells[k].textContent;
      const up = before ? before === "descending" : rows.every(row => isNaN(value(row)));
      const order = (a, b) => {
        const [x, y] = [value(a), value(b)];
        if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y) || (up ? 1 : -1) * words(a).localeCompare(words(b));
        return up ? x - y : y - x;
      };
      heads.forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      body.append(...rows.sort(order));
    };
  });
}"""
