/** This copy's version; the same as package.json's, held so by a test. */
export const version = "0.1.0";
