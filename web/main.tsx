// Where the console begins.
import { render } from 'preact'
import './themes/base.css'
import './themes/kit.css'
import './themes/themes.css'
import { App } from './shell/app.tsx'
import { followLinks } from './shell/router.ts'
import { keepScroll } from './shell/scroll.ts'
import { startWorker } from './shell/worker.ts'
import { onForgotten } from './state/keep.ts'
import { applyPreferences } from './state/preferences.ts'
import { begin } from './state/session.ts'

applyPreferences()
followLinks()
keepScroll()
onForgotten(() => location.reload())
render(<App />, document.getElementById('app')!)
void begin()
startWorker()
