// The receipt of a deal: what both parties and the relay signed, checked here with nothing else at hand.
import { useSignal } from '@preact/signals'
import { roleIn } from '../../../lib/identity/index.ts'
import { Confirm } from '../../kit/confirm.tsx'
import { download } from '../../kit/download.ts'
import { plain } from '../../kit/visible-text.tsx'
import { lookAtDeal, type CheckedReceipt } from '../../state/deal.ts'
import { here, myId } from '../../state/session.ts'
import { t } from '../../text/index.ts'
import { minorText } from './money.ts'

export const Receipts = ({ receipts }: { readonly receipts: readonly CheckedReceipt[] }) => {
  const texts = t.value.deals
  return (
    <section class='card' aria-labelledby='receipt'>
      <h2 id='receipt'>{texts.receipt}</h2>
      {receipts.length === 0 && <p>{texts.noReceipt}</p>}
      {receipts.map(each => <Receipt key={each.document.receipt_id} receipt={each} />)}
    </section>
  )
}

const roles = ['client', 'provider', 'relay'] as const

const Receipt = ({ receipt: { document, check } }: { readonly receipt: CheckedReceipt }) => {
  const texts = t.value.deals
  const isAsked = useSignal(false)
  const { receipt, receipt_id } = document
  const { proven, valid, signatures, problems } = check
  const role = roleIn(receipt, myId.value ?? '')
  const sign = async () => {
    await here().reputation.signReceipt(document)
    await lookAtDeal(receipt.proposal_id)
  }
  const facts = receipt.paid !== null && (
    <p>
      {texts.receiptFacts(minorText(receipt.paid.captured_minor, receipt.currency),
        minorText(receipt.paid.returned_minor, receipt.currency))}
    </p>
  )
  return (
    <>
      <p class={valid ? 'verified' : 'wrong'}>
        {proven ? `✓ ${texts.receiptProven}` : valid ? texts.receiptWaits : `! ${texts.receiptWrong}: ${plain(problems.join('; '))}`}
      </p>
      {facts}
      <dl>
        {roles.map(each => (
          <div key={each} class='pair'>
            <dt>{texts.signs[each]}</dt>
            <dd>
              <span class={`chip ${signatures[each] === 'valid' ? 'good' : signatures[each] === 'invalid' ? 'bad' : ''}`}>
                {signatures[each] === 'valid' ? '✓ ' : ''}
                {texts.hasSigned[signatures[each]]}
              </span>
            </dd>
          </div>
        ))}
      </dl>
      <p class='small'>
        <code class='long'>{plain(receipt_id)}</code>
      </p>
      <div class='actions'>
        {valid && role !== undefined && signatures[role] === 'none' && (
          <button
            type='button'
            class='primary'
            onClick={() => isAsked.value = true}
          >
            {texts.signReceipt}
          </button>
        )}
        <button type='button' onClick={() => download(`${receipt_id}.json`, `${JSON.stringify(document)}\n`, 'application/json')}>
          {texts.download}
        </button>
      </div>
      {isAsked.value && (
        <Confirm
          title={texts.signReceipt}
          means={texts.meansReceipt}
          signs={{ action: 'RECEIPT_SIGN', fields: receipt }}
          run={sign}
          onClose={() => isAsked.value = false}
        >
          {facts}
        </Confirm>
      )}
    </>
  )
}
