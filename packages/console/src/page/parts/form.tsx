// Fields of forms: each with its label, and a hint that screen readers hear as well.
import type { Signal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'

interface FieldProps {
  readonly label: string
  readonly value: Signal<string>
  readonly hint?: ComponentChildren
  readonly pattern?: string
  readonly type?: 'text' | 'password' | 'number'
  readonly isOptional?: boolean
  readonly hasFocus?: boolean
  readonly maxLength?: number
  readonly min?: number
  readonly max?: number
  /** Values to choose from while typing. */
  readonly suggestions?: readonly string[]
}

export function Field({
  label,
  value,
  hint,
  suggestions,
  hasFocus,
  isOptional = false,
  type = 'text',
  ...input
}: FieldProps): JSX.Element {
  const id = useId()
  // Which attributes may stand together depends on the type, which is known only here.
  const typed: object = { ...input, type, list: suggestions && `${id}-list` }
  return (
    <div class="field">
      <label for={id}>
        {label}
        {isOptional && <span class="optional"> optional</span>}
      </label>
      <input
        id={id}
        value={value}
        onInput={(event) => {
          value.value = event.currentTarget.value
        }}
        required={!isOptional}
        autofocus={hasFocus}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        aria-describedby={hint ? `${id}-hint` : undefined}
        {...typed}
      />
      {suggestions && (
        <datalist id={`${id}-list`}>
          {suggestions.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

interface OptionsProps<T extends string> {
  readonly label: string
  readonly value: Signal<T>
  readonly options: readonly (readonly [T, string, string?])[]
}

/** One of a few: each with a word or two on what it means. */
export function Options<T extends string>({ label, value, options }: OptionsProps<T>): JSX.Element {
  const id = useId()
  return (
    <fieldset class="options">
      <legend>{label}</legend>
      {options.map(([option, words, meaning]) => (
        <label key={option}>
          <input
            type="radio"
            name={id}
            value={option}
            checked={value.value === option}
            onChange={() => {
              value.value = option
            }}
          />
          <span>
            {words}
            {meaning && <small>{meaning}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  )
}

/** A form whose submission is ours alone. */
export function Form({ onSubmit, children }: { onSubmit: () => void; children: ComponentChildren }): JSX.Element {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit()
      }}
    >
      {children}
    </form>
  )
}
