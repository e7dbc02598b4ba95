/** Whether a value is an object and no list. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return isReference(value) && !Array.isArray(value);
}

/** Whether a value is an object or a list. */
export function isReference(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Unlike an assignment, this cannot set a prototype. */
export function define(holder: object, name: PropertyKey, value: unknown, enumerable = true): void {
  Object.defineProperty(holder, name, { value, enumerable, writable: true, configurable: true });
}
