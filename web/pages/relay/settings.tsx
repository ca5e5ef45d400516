// By which settings the relay runs: to be read. They are changed where it is started.
import { useSignal } from '@preact/signals'
import { plain } from '../../kit/visible-text.tsx'
import { settings } from '../../state/operating.ts'
import { t } from '../../text/index.ts'

const shownValue = (value: unknown): string => Array.isArray(value) ? value.join(', ') : String(value)

export const SettingsList = () => {
  const texts = t.value.relay
  const words = useSignal('')
  const isChangedOnly = useSignal(false)
  const wanted = words.value.toLowerCase()
  const all = settings.value
  const shown = all.filter(each => (!isChangedOnly.value || !each.default) && `${each.name} ${each.doc}`.toLowerCase().includes(wanted))
  return (
    <div class='page'>
      <p>{texts.settingsMeans}</p>
      <label for='find-setting'>{texts.findSetting}</label>
      <input id='find-setting' type='search' value={words.value} onInput={event => words.value = event.currentTarget.value} />
      <label class='check'>
        <input type='checkbox' checked={isChangedOnly.value} onChange={event => isChangedOnly.value = event.currentTarget.checked} />
        {texts.changedOnly}
      </label>
      <p class='small' role='status'>{texts.shown(shown.length, all.length, false)}</p>
      <dl class='settings'>
        {shown.map(({ name, value, default: isDefault, secret, doc }) => (
          <div key={name} class={isDefault ? '' : 'changed'}>
            <dt>
              <code>{name}</code> {!isDefault && <span class='chip good'>{texts.changed}</span>}
            </dt>
            <dd>
              <code>
                {secret === true
                  ? isDefault ? texts.unset : texts.secret
                  : value === undefined
                  ? texts.unset
                  : plain(shownValue(value)) || '–'}
              </code>
              <div class='small'>{doc}</div>
            </dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
