// What Vite makes of files that are no modules.
/// <reference types="vite/client" />
