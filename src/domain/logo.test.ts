import { expect, test } from 'vitest'
import { pngSize, svgProblem } from './logo.ts'

const svg = (inside: string, more = '') => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"${more}>${inside}</svg>`

test('shapes, gradients and text are a logo', () => {
  const fine = [
    svg('<path d="M0 0h64v64z" fill="#0b6e4f"/>'),
    `<?xml version="1.0" encoding="UTF-8"?>\n<!-- drawn by hand: <script> is only said here -->\n${svg('')}`,
    `\uFEFF${svg('')}\n`,
    svg(
      '<defs><linearGradient id="a"><stop offset="0" stop-color=\'red\'/></linearGradient></defs><rect fill="url(#a)" width="9" height="9"></rect>',
    ),
    svg('<g id="b"><text x="1" y="9">A &amp; B</text></g><use href="#b"/><use xlink:href="#b" x="9"/>',
      ' xmlns:xlink="http://www.w3.org/1999/xlink"'),
    svg('<circle r="3" style="fill:url(\'#a\');stroke:#123" transform="rotate(3)"/>'),
  ]
  for (const each of fine) expect([each, svgProblem(each)]).toEqual([each, undefined])
})

test('what would run, load or hide something is refused, and named', () => {
  const wrong: readonly (readonly [string, string])[] = [
    [svg('<script>alert(1)</script>'), '<script>'],
    [svg('<SCRIPT href="https://evil.example/x.js"/>'), '<SCRIPT>'],
    [svg('<svg:script xmlns:svg="http://www.w3.org/2000/svg">1</svg:script>'), '<svg:script>'],
    [svg('<foreignObject><p>hi</p></foreignObject>'), '<foreignObject>'],
    [svg('<style>@import url(https://evil.example)</style>'), '<style>'],
    [svg('<image href="https://evil.example/x.png"/>'), '<image>'],
    [svg('<a href="#b">x</a>'), '<a>'],
    [svg('<set attributeName="href" to="javascript:alert(1)"/>'), '<set>'],
    [svg('', ' onload="alert(1)"'), 'onload'],
    [svg("<g OnClick='alert(1)'/>"), 'OnClick'],
    [svg('<use href="https://evil.example/x.svg#a"/>'), 'its own parts'],
    [svg('<use xlink:href="data:image/svg+xml,x"/>'), 'loads nothing'],
    [svg('<rect fill="url(https://evil.example/x)"/>'), 'its own parts'],
    [svg('<rect fill="u&#114;l(https://evil.example/x)"/>'), 'plainly'],
    [svg('<rect style="fill:u\\72l(https://evil.example/x)"/>'), 'plainly'],
    ['<!DOCTYPE svg [<!ENTITY x "y">]><svg></svg>', 'none of the tags'],
    [svg('<!DOCTYPE x>'), 'none of the tags'],
    [svg('<![CDATA[x]]>'), 'none of the tags'],
    [svg('<?xml-stylesheet href="https://evil.example"?>'), 'none of the tags'],
    [svg('<rect width=9/>'), 'none of the tags'],
    [svg('<rect width="9'), 'none of the tags'],
    [svg('<!-- never ends'), 'comment'],
    [svg('<'), 'none of the tags'],
    ['<html><svg></svg></html>', 'does not begin'],
    ['<!-- nothing -->', 'does not begin'],
    ['text <svg></svg>', 'does not begin'],
    ['', 'does not begin'],
  ]
  for (const [text, problem] of wrong) expect([text, svgProblem(text)]).toEqual([text, expect.stringContaining(problem)])
})

test('a PNG is square and of a size that a device shows', () => {
  const png = (width: number, height: number) => {
    const bytes = Buffer.alloc(33)
    Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(bytes)
    bytes.writeUInt32BE(width, 16)
    bytes.writeUInt32BE(height, 20)
    return bytes
  }
  expect([pngSize(png(192, 192)), pngSize(png(1_024, 1_024))]).toEqual([{ side: 192 }, { side: 1_024 }])
  for (const [width, height] of [[191, 191], [1_025, 1_025], [512, 511], [0, 0], [4_000_000_000, 4_000_000_000]] as const)
    expect(pngSize(png(width, height))).toEqual({ problem: expect.stringContaining(`${width} × ${height}`) })
  for (const bytes of [Buffer.alloc(0), Buffer.from('<svg></svg>'), png(512, 512).subarray(0, 20), Buffer.from('GIF89a'.padEnd(40))])
    expect(pngSize(bytes)).toEqual({ problem: 'is no PNG' })
})
