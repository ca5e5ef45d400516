// Under which name the relay shows itself: what its operator has it put into the page, or nothing of its own.

export interface Brand {
  /** undefined: what the relay is called. */
  readonly name?: string
  readonly logo: string
  /** Of its operator's choice, by https alone. */
  readonly links: readonly { readonly label: string, readonly url: string }[]
  /** Whether it has colours of its own. */
  readonly hasTheme: boolean
}

const told = document.getElementById('brand')?.textContent

export const brand: Brand = { logo: '/console/icon.svg', links: [], hasTheme: false, ...JSON.parse(told ?? '{}') as Partial<Brand> }
