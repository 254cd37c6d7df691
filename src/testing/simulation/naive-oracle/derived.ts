/** Features that are computed from other features, with SQL's nulls. */
import { asDouble } from './aggregates.ts';
import type { DerivedSpec, Result, Scalar, ViewSpec } from './spec.ts';
import { resultTypes, scaleOfResult } from './types.ts';

/** @param values of the view's features. */
export function derive(view: ViewSpec, values: readonly Result[]): Result[] {
  const types = resultTypes(view);
  const double = (name: string): number | null => {
    const at = view.features.findIndex((feature) => feature.name === name);
    const scale = scaleOfResult(types[at]!);
    const value = values[at] as Scalar | null;
    return value === null ? null : asDouble(value, scale === 'double' ? null : scale);
  };
  return view.derived.map((spec) => derived(spec, double(spec.left), double(spec.right)));
}

function derived({ function: name }: DerivedSpec, left: number | null, right: number | null): Result {
  switch (name) {
    case 'orZero':
      return left ?? 0;
    case 'quotient':
      return left === null || right === null || right === 0 ? null : left / right;
    case 'isMore':
      return left === null || right === null ? null : left > right || (Number.isNaN(left) && !Number.isNaN(right));
    case 'larger':
      return left !== null && right !== null && left > right ? left : right;
  }
}
