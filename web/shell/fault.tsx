// What a page does when it fails: it says so, and the rest of the console goes on.
import { Component, type ComponentChildren } from 'preact'
import { plain } from '../kit/visible-text.tsx'
import { t } from '../text/index.ts'

interface FaultState {
  readonly why: string | undefined
}

export class Fault extends Component<{ readonly children: ComponentChildren }, FaultState> {
  override state: FaultState = { why: undefined }

  static override getDerivedStateFromError(error: unknown): FaultState {
    return { why: error instanceof Error ? error.message : String(error) }
  }

  override render() {
    const { why } = this.state
    if (why === undefined) return this.props.children
    return (
      <div class='middle' role='alert'>
        <p>{t.value.shell.pageFailed(plain(why))}</p>
        <button type='button' onClick={() => this.setState({ why: undefined })}>{t.value.shell.reload}</button>
      </div>
    )
  }
}
