import * as v from 'valibot';

export const wholeNumber = (least: number, most: number) =>
  v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number), v.minValue(least), v.maxValue(most));

/** A page of a list; so far that a page costs no more than a look through some ten thousand rows. */
export const Page = v.strictObject({
  page: v.optional(wholeNumber(1, 100), '1'),
  size: v.optional(wholeNumber(1, 100), '100'),
});
