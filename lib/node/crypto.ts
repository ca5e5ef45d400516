import { createPublicKey, verify } from 'node:crypto'
export const nodeVerify = (pem: string, text: string, sig: string): boolean => { try { return verify(null, Buffer.from(text), createPublicKey(pem), Buffer.from(sig, 'base64')) } catch { return false } }
