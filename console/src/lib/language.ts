// The browser's language, if it is one. Some systems hand on a tag that no standard knows (en-US@posix); whatever formats by it
// then throws, and the page stays blank. Loaded before everything else.

function known(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch {
    return false;
  }
}

if (!known(navigator.language)) {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
}

export {};
