/** At most twice this number of tokens are kept: about 2 MB. */
const MAX_TOKENS = 1_000;

/**
 * Remembers tokens whose signature and claims are checked, because a client sends the same token with every request. A
 * token is not found any more when it expires (`expires`, in milliseconds since 1970). Knows nothing of revocations.
 */
export class VerifiedTokens<Bearer extends { expires: number }> {
  #recent = new Map<string, Bearer>();
  #earlier = new Map<string, Bearer>();

  /** Returns undefined if the token must be checked. @param authorization the value of the header */
  find(authorization: string): Bearer | undefined {
    const bearer = this.#recent.get(authorization) ?? this.#findEarlier(authorization);
    return bearer && Date.now() < bearer.expires ? bearer : undefined;
  }

  /** Call this only for a token that is valid now. */
  remember(authorization: string, bearer: Bearer): void {
    if (this.#recent.size >= MAX_TOKENS) {
      this.#earlier = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(authorization, bearer);
  }

  #findEarlier(authorization: string): Bearer | undefined {
    const bearer = this.#earlier.get(authorization);
    if (bearer) this.remember(authorization, bearer);
    return bearer;
  }
}
