/** The same object, in which some members read differently. What is set on it is set on the object. */
export function view<T extends object>(own: T, members: Readonly<Record<string, unknown>>): T {
  return new Proxy(own, {
    // Getters, and methods that use private members, need the object itself.
    get: (target, name) => (Object.hasOwn(members, name) ? (members as any)[name] : Reflect.get(target, name, target)),
  });
}
