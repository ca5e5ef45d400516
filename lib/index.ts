// Public surface of the package: the client.
export * from './client/index.ts'
