" Reads a coverage report and keeps its marks as signs. The report is a tracefile (lcov's format) or gcov's own text;
" where both know a file, the text is taken, for it also tells a line of which a part never ran (N*).
"
" A mark is one of: covered, partial, uncovered. What each looks like is in s:marks, and nowhere else in the plugin; the words
" are those of coverage/marks.def.

let s:marks = {
      \ 'covered':   {'sign': '│',  'group': 'CupelCovered',   'link': 'DiffAdd'},
      \ 'partial':   {'sign': '◐',  'group': 'CupelPartial',   'link': 'DiffChange'},
      \ 'uncovered': {'sign': '✗',  'group': 'CupelUncovered', 'link': 'DiffDelete'},
      \ }
let s:ascii = {'covered': '|', 'partial': '~', 'uncovered': '!'}
let s:group = 'cupel'
let s:sections = {}
let s:buffers = {}
let s:is_defined = 0
let s:timer = -1

function! s:warn(text) abort
  echohl WarningMsg | echomsg 'cupel: ' . a:text | echohl None
endfunction

function! s:define() abort
  if s:is_defined
    return
  endif
  let s:is_defined = 1
  for [l:name, l:mark] in items(s:marks)
    execute 'highlight default link' l:mark.group l:mark.link
    let l:text = &encoding ==# 'utf-8' ? l:mark.sign : s:ascii[l:name]
    call sign_define('cupel_' . l:name, {'text': l:text, 'texthl': l:mark.group})
  endfor
  " A report that changes while the editor stands still is noticed by the clock.
  if has('timers') && get(g:, 'cupel_poll_ms', 1000) > 0
    let s:timer = timer_start(get(g:, 'cupel_poll_ms', 1000), {-> cupel#poll()}, {'repeat': -1})
  endif
endfunction

" The tracefile for a source: g:cupel_tracefile, or build/coverage/lcov.info in a folder above it. '' where there is none.
function! s:tracefile(source) abort
  if exists('g:cupel_tracefile')
    return filereadable(expand(g:cupel_tracefile)) ? fnamemodify(expand(g:cupel_tracefile), ':p') : ''
  endif
  let l:found = findfile('build/coverage/lcov.info', fnamemodify(a:source, ':h') . ';')
  return l:found ==# '' ? '' : fnamemodify(l:found, ':p')
endfunction

" The folder that relative paths in a report start from: for build/coverage/lcov.info, the one that holds build/.
function! s:root(tracefile) abort
  return fnamemodify(a:tracefile, ':h:h:h')
endfunction

" gcov's text for a source, or '': beside the source, or in gcov/ beside the tracefile. Its Source: line decides.
function! s:gcovfile(source, tracefile) abort
  let l:name = fnamemodify(a:source, ':t')
  let l:candidates = [a:source . '.gcov']
  if a:tracefile !=# ''
    let l:folder = fnamemodify(a:tracefile, ':h') . '/gcov'
    call extend(l:candidates, glob(escape(l:folder, '[]*?{}\ ') . '/*' . l:name . '.gcov', 1, 1))
  endif
  for l:path in l:candidates
    if !filereadable(l:path)
      continue
    endif
    for l:line in readfile(l:path, '', 3)
      let l:match = matchlist(l:line, '^\s*-:\s*0:Source:\(.*\)$')
      if !empty(l:match) && s:is_same_file(l:match[1], a:source, [s:root(a:tracefile), fnamemodify(l:path, ':h')])
        return l:path
      endif
    endfor
  endfor
  return ''
endfunction

function! s:is_same_file(name, source, roots) abort
  if a:name =~# '^/'
    return resolve(a:name) ==# resolve(a:source)
  endif
  for l:root in a:roots
    if resolve(simplify(l:root . '/' . a:name)) ==# resolve(a:source)
      return 1
    endif
  endfor
  return 0
endfunction

" Where each source's sections are in a tracefile: {source: [[first, last], ...]}, kept until the file changes.
function! s:index(tracefile) abort
  let l:stamp = getftime(a:tracefile) . ':' . getfsize(a:tracefile)
  let l:known = get(s:sections, a:tracefile, {})
  if get(l:known, 'stamp', '') ==# l:stamp
    return l:known
  endif
  let l:lines = readfile(a:tracefile)
  let l:known = {'stamp': l:stamp, 'lines': l:lines, 'sections': {}}
  let l:source = ''
  for l:i in range(len(l:lines))
    if l:lines[l:i] =~# '^SF:'
      let l:source = l:lines[l:i][3:]
      let l:first = l:i
    elseif l:lines[l:i] ==# 'end_of_record' && l:source !=# ''
      let l:known.sections[l:source] = get(l:known.sections, l:source, []) + [[l:first, l:i]]
      let l:source = ''
    endif
  endfor
  if l:source !=# ''
    call s:warn(a:tracefile . ':' . len(l:lines) . ': the file ends within the section of ' . l:source)
  endif
  let s:sections[a:tracefile] = l:known
  return l:known
endfunction

" Adds one line of a tracefile to the counts and branches of a source: {line: count}, {line: not all taken}.
function! s:read_record(text, counts, missed) abort
  let l:match = matchlist(a:text, '^DA:\(\d\+\),\(\d\+\)')
  if !empty(l:match)
    let a:counts[l:match[1]] = get(a:counts, l:match[1], 0) + str2nr(l:match[2])
    return
  endif
  " BRDA:line,block,branch,taken; from lcov 2.2 on a letter may stand before the block.
  let l:match = matchlist(a:text, '^BRDA:\(\d\+\),[ef]\?U\?\(\d\+\),\(.*\),\(-\|\d\+\)$')
  if !empty(l:match)
    let l:key = l:match[1] . ',' . l:match[2] . ',' . l:match[3]
    let a:missed[l:key] = get(a:missed, l:key, 0) + str2nr(l:match[4])
  endif
endfunction

" The marks of a source by its tracefile: {line: mark}. Sections of one source are added up.
function! s:marks_of_tracefile(tracefile, source) abort
  let l:index = s:index(a:tracefile)
  let l:counts = {}
  let l:branches = {}
  for [l:name, l:sections] in items(l:index.sections)
    if !s:is_same_file(l:name, a:source, [s:root(a:tracefile)])
      continue
    endif
    for [l:first, l:last] in l:sections
      for l:i in range(l:first, l:last)
        call s:read_record(l:index.lines[l:i], l:counts, l:branches)
      endfor
    endfor
  endfor
  let l:marks = map(l:counts, {_, hits -> hits > 0 ? 'covered' : 'uncovered'})
  for [l:key, l:taken] in items(l:branches)
    let l:line = split(l:key, ',')[0]
    if l:taken == 0 && get(l:marks, l:line, '') ==# 'covered'
      let l:marks[l:line] = 'partial'
    endif
  endfor
  return l:marks
endfunction

" The marks of a source by gcov's text. A template or an inlined function repeats lines: the first, plain list counts.
function! s:marks_of_gcov(path) abort
  let l:marks = {}
  for l:text in readfile(a:path)
    let l:match = matchlist(l:text, '^\s*\([-#=]\+\|[0-9.]\+[kMGTPEZY]\?\*\?\):\s*\(\d\+\):')
    if empty(l:match) || l:match[2] ==# '0' || has_key(l:marks, l:match[2]) || l:match[1] ==# '-'
      continue
    endif
    let l:count = l:match[1]
    let l:marks[l:match[2]] = l:count =~# '[#=]' ? 'uncovered' : l:count =~# '\*$' ? 'partial' : 'covered'
  endfor
  return l:marks
endfunction

" {'marks': ..., 'report': path, 'time': its time}; an empty report where there is none.
function! s:read(source) abort
  let l:tracefile = s:tracefile(a:source)
  let l:choice = get(g:, 'cupel_source', 'auto')
  let l:gcovfile = l:choice ==# 'tracefile' ? '' : s:gcovfile(a:source, l:tracefile)
  if l:gcovfile !=# ''
    return {'marks': s:marks_of_gcov(l:gcovfile), 'report': l:gcovfile, 'time': getftime(l:gcovfile)}
  elseif l:tracefile !=# '' && l:choice !=# 'gcov'
    return {'marks': s:marks_of_tracefile(l:tracefile, a:source), 'report': l:tracefile, 'time': getftime(l:tracefile)}
  endif
  return {'marks': {}, 'report': '', 'time': -1}
endfunction

function! cupel#attach(buffer) abort
  if bufname(a:buffer) ==# '' || has_key(s:buffers, a:buffer)
    return
  endif
  let s:buffers[a:buffer] = {'is_shown': 0, 'report': '', 'time': -1, 'watched': s:watched(a:buffer)}
  if get(g:, 'cupel_mappings', 1)
    call s:map(a:buffer)
  endif
  if get(g:, 'cupel_auto', 1)
    call cupel#show(a:buffer)
  endif
endfunction

function! s:map(buffer) abort
  if bufnr('%') != a:buffer
    return
  endif
  nmap <buffer> ]u <Plug>(cupel-next)
  nmap <buffer> [u <Plug>(cupel-previous)
endfunction

" What a change of the report is seen by: the time and size of the tracefile.
function! s:watched(buffer) abort
  let l:tracefile = s:tracefile(fnamemodify(bufname(a:buffer), ':p'))
  return l:tracefile ==# '' ? '' : l:tracefile . ':' . getftime(l:tracefile) . ':' . getfsize(l:tracefile)
endfunction

function! cupel#show(buffer) abort
  call s:define()
  let l:source = fnamemodify(bufname(a:buffer), ':p')
  let l:read = s:read(l:source)
  call sign_unplace(s:group, {'buffer': a:buffer})
  let l:lines = len(getbufline(a:buffer, 1, '$'))
  for [l:line, l:mark] in items(l:read.marks)
    if l:line <= l:lines
      call sign_place(0, s:group, 'cupel_' . l:mark, a:buffer, {'lnum': str2nr(l:line), 'priority': get(g:, 'cupel_priority', 5)})
    endif
  endfor
  let l:is_stale = l:read.report !=# '' && getftime(l:source) > l:read.time
  let s:buffers[a:buffer] = {'is_shown': 1, 'report': l:read.report, 'time': l:read.time, 'watched': s:watched(a:buffer)}
  call setbufvar(a:buffer, 'cupel_stale', l:is_stale)
  if l:is_stale
    call s:warn(fnamemodify(l:source, ':.') . ' is newer than its report: lines may have moved. Run make coverage.')
  endif
endfunction

function! cupel#hide(buffer) abort
  call sign_unplace(s:group, {'buffer': a:buffer})
  if has_key(s:buffers, a:buffer)
    let s:buffers[a:buffer].is_shown = 0
  endif
endfunction

function! cupel#toggle(buffer) abort
  if get(get(s:buffers, a:buffer, {}), 'is_shown', 0)
    call cupel#hide(a:buffer)
  else
    call cupel#show(a:buffer)
  endif
endfunction

" Shows again whatever is shown.
function! cupel#refresh() abort
  for [l:buffer, l:state] in items(s:buffers)
    if !bufexists(str2nr(l:buffer))
      call remove(s:buffers, l:buffer)
    elseif l:state.is_shown
      call cupel#show(str2nr(l:buffer))
    endif
  endfor
endfunction

" Shows again where the report has changed since.
function! cupel#poll() abort
  for [l:buffer, l:state] in items(s:buffers)
    if bufexists(str2nr(l:buffer)) && l:state.is_shown && l:state.watched !=# s:watched(str2nr(l:buffer))
      call cupel#show(str2nr(l:buffer))
    endif
  endfor
endfunction

" The lines that hold a mark now, in order: [[line, mark], ...]. Signs move with the text, so edits do not shift them.
function! cupel#signs(buffer) abort
  let l:placed = sign_getplaced(a:buffer, {'group': s:group})[0].signs
  let l:all = map(copy(l:placed), {_, sign -> [sign.lnum, substitute(sign.name, '^cupel_', '', '')]})
  return sort(l:all, {a, b -> a[0] - b[0]})
endfunction

function! s:uncovered(buffer) abort
  return filter(cupel#signs(a:buffer), {_, entry -> entry[1] !=# 'covered'})
endfunction

" To the count-th uncovered or partly covered line after (direction 1) or before (-1) the cursor; stays where there is none.
function! cupel#jump(direction, count) abort
  let l:lines = map(s:uncovered(bufnr('%')), {_, entry -> entry[0]})
  let l:here = line('.')
  if a:direction > 0
    let l:ahead = filter(l:lines, {_, line -> line > l:here})
  else
    let l:ahead = reverse(filter(l:lines, {_, line -> line < l:here}))
  endif
  if empty(l:ahead)
    call s:warn('no uncovered line ' . (a:direction > 0 ? 'below' : 'above'))
    return
  endif
  normal! m'
  call cursor(l:ahead[min([a:count, len(l:ahead)]) - 1], 1)
  normal! ^
endfunction

" The location list of the current window: every uncovered and partly covered line.
function! cupel#list(buffer) abort
  let l:words = {'uncovered': 'not covered', 'partial': 'partly covered'}
  let l:items = map(s:uncovered(a:buffer),
        \ {_, entry -> {'bufnr': a:buffer, 'lnum': entry[0], 'type': 'W', 'text': l:words[entry[1]]}})
  call setloclist(0, [], ' ', {'title': 'cupel: ' . bufname(a:buffer), 'items': l:items})
  if empty(l:items)
    call s:warn('nothing is uncovered here')
  elseif get(g:, 'cupel_open_list', 1)
    lwindow
  endif
endfunction

function! cupel#summary(buffer) abort
  let l:marks = map(cupel#signs(a:buffer), {_, entry -> entry[1]})
  if empty(l:marks)
    call s:warn('no report knows this file')
    return
  endif
  let l:ran = len(l:marks) - count(l:marks, 'uncovered')
  echo printf('cupel: %d of %d lines covered (%.1f %%), %d of them partly; %s', l:ran, len(l:marks),
        \ 100.0 * l:ran / len(l:marks), count(l:marks, 'partial'), get(get(s:buffers, a:buffer, {}), 'report', ''))
endfunction
