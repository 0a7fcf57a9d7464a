//! The icons, by name. Made by `fonts/make.sh` from `fonts/icons.txt`.

/// `activity`
pub const ACTIVITY: char = '\u{e038}';
/// `arrow-down`
pub const ARROW_DOWN: char = '\u{e042}';
/// `arrow-down-to-line`
pub const ARROW_DOWN_TO_LINE: char = '\u{e455}';
/// `arrow-left`
pub const ARROW_LEFT: char = '\u{e048}';
/// `arrow-right`
pub const ARROW_RIGHT: char = '\u{e049}';
/// `arrow-up`
pub const ARROW_UP: char = '\u{e04a}';
/// `ban`
pub const BAN: char = '\u{e051}';
/// `bell`
pub const BELL: char = '\u{e059}';
/// `bot`
pub const BOT: char = '\u{e1bb}';
/// `boxes`
pub const BOXES: char = '\u{e2d0}';
/// `calendar-clock`
pub const CALENDAR_CLOCK: char = '\u{e304}';
/// `chart-gantt`
pub const CHART_GANTT: char = '\u{e624}';
/// `check`
pub const CHECK: char = '\u{e06c}';
/// `chevron-down`
pub const CHEVRON_DOWN: char = '\u{e06d}';
/// `chevron-left`
pub const CHEVRON_LEFT: char = '\u{e06e}';
/// `chevron-right`
pub const CHEVRON_RIGHT: char = '\u{e06f}';
/// `chevron-up`
pub const CHEVRON_UP: char = '\u{e070}';
/// `circle`
pub const CIRCLE: char = '\u{e076}';
/// `circle-alert`
pub const CIRCLE_ALERT: char = '\u{e077}';
/// `circle-check`
pub const CIRCLE_CHECK: char = '\u{e226}';
/// `circle-dashed`
pub const CIRCLE_DASHED: char = '\u{e4b0}';
/// `circle-dot`
pub const CIRCLE_DOT: char = '\u{e345}';
/// `circle-help`
pub const CIRCLE_HELP: char = '\u{e082}';
/// `circle-pause`
pub const CIRCLE_PAUSE: char = '\u{e07f}';
/// `circle-play`
pub const CIRCLE_PLAY: char = '\u{e080}';
/// `circle-x`
pub const CIRCLE_X: char = '\u{e084}';
/// `clock`
pub const CLOCK: char = '\u{e087}';
/// `cloud-off`
pub const CLOUD_OFF: char = '\u{e08d}';
/// `code`
pub const CODE: char = '\u{e093}';
/// `command`
pub const COMMAND: char = '\u{e09a}';
/// `copy`
pub const COPY: char = '\u{e09e}';
/// `cpu`
pub const CPU: char = '\u{e0a9}';
/// `diff`
pub const DIFF: char = '\u{e30c}';
/// `dollar-sign`
pub const DOLLAR_SIGN: char = '\u{e0b1}';
/// `download`
pub const DOWNLOAD: char = '\u{e0b2}';
/// `ellipsis`
pub const ELLIPSIS: char = '\u{e0b6}';
/// `external-link`
pub const EXTERNAL_LINK: char = '\u{e0b9}';
/// `eye`
pub const EYE: char = '\u{e0ba}';
/// `eye-off`
pub const EYE_OFF: char = '\u{e0bb}';
/// `file-json`
pub const FILE_JSON: char = '\u{e36b}';
/// `file-text`
pub const FILE_TEXT: char = '\u{e0cc}';
/// `filter`
pub const FILTER: char = '\u{e0dc}';
/// `flag`
pub const FLAG: char = '\u{e0d1}';
/// `folder`
pub const FOLDER: char = '\u{e0d7}';
/// `gauge`
pub const GAUGE: char = '\u{e1bf}';
/// `git-branch`
pub const GIT_BRANCH: char = '\u{e0e2}';
/// `git-fork`
pub const GIT_FORK: char = '\u{e28d}';
/// `hand`
pub const HAND: char = '\u{e1d7}';
/// `hard-drive`
pub const HARD_DRIVE: char = '\u{e0ed}';
/// `history`
pub const HISTORY: char = '\u{e1f5}';
/// `hourglass`
pub const HOURGLASS: char = '\u{e296}';
/// `inbox`
pub const INBOX: char = '\u{e0f7}';
/// `info`
pub const INFO: char = '\u{e0f9}';
/// `key-round`
pub const KEY_ROUND: char = '\u{e4a3}';
/// `keyboard`
pub const KEYBOARD: char = '\u{e284}';
/// `layers`
pub const LAYERS: char = '\u{e529}';
/// `layout-dashboard`
pub const LAYOUT_DASHBOARD: char = '\u{e1c1}';
/// `list`
pub const LIST: char = '\u{e106}';
/// `list-checks`
pub const LIST_CHECKS: char = '\u{e1d0}';
/// `list-tree`
pub const LIST_TREE: char = '\u{e408}';
/// `loader`
pub const LOADER: char = '\u{e109}';
/// `loader-circle`
pub const LOADER_CIRCLE: char = '\u{e10a}';
/// `lock`
pub const LOCK: char = '\u{e10b}';
/// `maximize`
pub const MAXIMIZE: char = '\u{e112}';
/// `memory-stick`
pub const MEMORY_STICK: char = '\u{e445}';
/// `message-square`
pub const MESSAGE_SQUARE: char = '\u{e117}';
/// `minus`
pub const MINUS: char = '\u{e11c}';
/// `monitor`
pub const MONITOR: char = '\u{e11d}';
/// `moon`
pub const MOON: char = '\u{e11e}';
/// `network`
pub const NETWORK: char = '\u{e125}';
/// `octagon-x`
pub const OCTAGON_X: char = '\u{e128}';
/// `pause`
pub const PAUSE: char = '\u{e12e}';
/// `pencil`
pub const PENCIL: char = '\u{e1f9}';
/// `play`
pub const PLAY: char = '\u{e13c}';
/// `plug`
pub const PLUG: char = '\u{e37f}';
/// `plus`
pub const PLUS: char = '\u{e13d}';
/// `power`
pub const POWER: char = '\u{e140}';
/// `refresh-cw`
pub const REFRESH_CW: char = '\u{e145}';
/// `rotate-ccw`
pub const ROTATE_CCW: char = '\u{e148}';
/// `route`
pub const ROUTE: char = '\u{e53e}';
/// `save`
pub const SAVE: char = '\u{e14d}';
/// `scan`
pub const SCAN: char = '\u{e257}';
/// `search`
pub const SEARCH: char = '\u{e151}';
/// `send`
pub const SEND: char = '\u{e152}';
/// `server`
pub const SERVER: char = '\u{e153}';
/// `settings`
pub const SETTINGS: char = '\u{e154}';
/// `shield`
pub const SHIELD: char = '\u{e158}';
/// `shield-check`
pub const SHIELD_CHECK: char = '\u{e1ff}';
/// `sliders-horizontal`
pub const SLIDERS_HORIZONTAL: char = '\u{e29a}';
/// `sparkles`
pub const SPARKLES: char = '\u{e412}';
/// `square`
pub const SQUARE: char = '\u{e167}';
/// `square-check`
pub const SQUARE_CHECK: char = '\u{e559}';
/// `square-terminal`
pub const SQUARE_TERMINAL: char = '\u{e20a}';
/// `star`
pub const STAR: char = '\u{e176}';
/// `sun`
pub const SUN: char = '\u{e178}';
/// `tag`
pub const TAG: char = '\u{e17f}';
/// `terminal`
pub const TERMINAL: char = '\u{e181}';
/// `timer`
pub const TIMER: char = '\u{e1e0}';
/// `trash-2`
pub const TRASH_2: char = '\u{e18e}';
/// `triangle-alert`
pub const TRIANGLE_ALERT: char = '\u{e193}';
/// `unplug`
pub const UNPLUG: char = '\u{e45d}';
/// `user`
pub const USER: char = '\u{e19f}';
/// `user-check`
pub const USER_CHECK: char = '\u{e1a0}';
/// `users`
pub const USERS: char = '\u{e1a4}';
/// `wifi-off`
pub const WIFI_OFF: char = '\u{e1af}';
/// `workflow`
pub const WORKFLOW: char = '\u{e425}';
/// `wrench`
pub const WRENCH: char = '\u{e1b1}';
/// `x`
pub const X: char = '\u{e1b2}';
/// `zap`
pub const ZAP: char = '\u{e1b4}';
/// `zoom-in`
pub const ZOOM_IN: char = '\u{e1b6}';
/// `zoom-out`
pub const ZOOM_OUT: char = '\u{e1b7}';
