/** The name of a custom function stands for what it computes. */
import { expect, test } from 'vitest';
import { buildPlan } from '../../../src/define/plan-builder.ts';
import { type InvalidError } from '../../../src/errors.ts';
import { count, custom, eq, featureView, max, text, tumbling, type Expression } from '../../../src/index.ts';
import { any, faultsOf, from, user } from '../../support/define-view.ts';

const w = tumbling('5m');
const message = (where: string): string =>
  `another custom function is called "site", in ${where}; the name stands for what it computes: give one of them another`;

test('two functions of one name are refused, in the features of one view', () => {
  const faults = faultsOf(({ o }) => ({
    a: max(custom(text(), 'site', [o.word], (word) => word?.at(0) ?? null)).over(w),
    b: max(custom(text(), 'site', [o.word], (word) => word?.at(-1) ?? null)).over(w),
    c: count(o, {
      where: eq(
        custom(text(), 'site', [o.word], () => 'x'),
        'x',
      ),
    }).over(w),
  }));
  expect(faults).toEqual([
    `v.features.b: ${message('v.features.a')}`,
    `v.features.c.where: ${message('v.features.a')}`,
  ]);
});

test('and in what is derived, and within other expressions', () => {
  const derive = (f: Readonly<Record<'a', never>>): object => ({
    d: eq(any(custom(text(), 'site', [f.a], () => 'x')), 'x'),
  });
  const faults = faultsOf(({ o }) => ({ a: max(custom(text(), 'site', [o.word], (word) => word)).over(w) }), {
    derive,
  });
  expect(faults).toEqual([`v.derive.d: ${message('v.features.a')}`]);
});

test('and in two views of one application', () => {
  const viewWith = (name: string, compute: (word: string | null) => string | null): ReturnType<typeof featureView> =>
    featureView(name, {
      entity: user,
      from,
      features: ({ o }) => ({ a: max(custom(text(), 'site', [o.word], compute)).over(w) }),
      online: { key: `${name}:{user_id}` },
    });
  const views = { one: viewWith('one', (word) => word), two: viewWith('two', () => null) };
  const problems = (): readonly string[] => {
    try {
      buildPlan(views);
      return [];
    } catch (error) {
      return (error as InvalidError).problems;
    }
  };
  expect(problems()).toEqual([`two.features.a: ${message('one.features.a')}`]);
});

test('one function may be used many times, and be made again by a helper', () => {
  const site = (term: Expression<'text', true>): Expression<'text', true> =>
    custom(text(), 'site', [term], (word) => word?.at(0) ?? null);
  expect(faultsOf(({ o }) => ({ a: max(site(o.word)).over(w), b: count(site(o.word)).over(w) }))).toEqual([]);
});
