/** The dark modules of a QR code as one path, a rectangle for each run in a row. */
export function pathOfModules(rows: readonly (readonly boolean[])[]): string {
  return rows.map(pathOfRow).join("");
}

function pathOfRow(row: readonly boolean[], y: number): string {
  let path = "";
  for (let start = row.indexOf(true); start >= 0;) {
    const light = row.indexOf(false, start);
    const end = light < 0 ? row.length : light;
    path += `M${start} ${y}h${end - start}v1h${start - end}z`;
    start = row.indexOf(true, end);
  }
  return path;
}
