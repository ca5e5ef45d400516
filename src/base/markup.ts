// Text as it stands in markup, of HTML, XML or SVG: between tags, and in quotes.

export const escapedMarkup = (text: string): string => text.replace(/[&<>"']/g, sign => `&#${sign.charCodeAt(0)};`)
