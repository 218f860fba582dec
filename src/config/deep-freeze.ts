/** A value that cannot be changed at any depth. */
export type DeepReadonly<Value> = Value extends object
  ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
  : Value;

/** Freezes a tree of plain objects and arrays in place. */
export function deepFreeze<Value extends object>(value: Value): DeepReadonly<Value> {
  for (const child of Object.values(value)) {
    if (typeof child === 'object' && child !== null) deepFreeze(child as object);
  }
  return Object.freeze(value) as DeepReadonly<Value>;
}
