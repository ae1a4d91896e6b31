// Keeps the language in a cookie, which the server sees at the first moment of the next visit: the page is never
// drawn in one language and then in another. It shows nothing.

const YEAR_S = 365 * 24 * 3600;

export default function ({ data }) {
  document.cookie = `${data.cookie}=${data.language}; path=/; max-age=${YEAR_S}; samesite=lax`;
  document.documentElement.lang = data.language;
}
