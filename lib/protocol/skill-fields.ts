// What skills, profiles and searches have in common.
import * as z from 'zod/mini'
import { fieldLimits } from './field-limits.ts'

export const Capability = z.string().check(z.minLength(1), z.maxLength(fieldLimits.maxCapabilityChars))
export const Rate = z.number().check(z.gte(0))
export const Currency = z.string().check(z.minLength(1), z.maxLength(16))
export const Language = z.string().check(z.regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$/, 'a language tag like en or pt-BR'))
export const Availability = z.literal(['available', 'limited', 'unavailable'])
