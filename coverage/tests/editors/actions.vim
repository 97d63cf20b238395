" Sourced in the opened fixture: jumps, location list, refresh after the report changed, hide and show. Throws on a difference.
function! s:expect(what, actual, expected) abort
  if a:actual !=# a:expected
    call writefile([a:what . ': ' . string(a:actual) . ' instead of ' . string(a:expected)], $CUPEL_TEST_ERRORS, 'a')
  endif
endfunction
let s:all = cupel#signs(bufnr('%'))
let s:missed = map(filter(copy(s:all), {_, entry -> entry[1] !=# 'covered'}), {_, entry -> entry[0]})
call s:expect('some lines are missed', len(s:missed) > 1, 1)
normal! gg
normal ]u
call s:expect(']u', line('.'), s:missed[0])
normal ]u
call s:expect(']u again', line('.'), s:missed[1])
normal [u
call s:expect('[u', line('.'), s:missed[0])
let g:cupel_open_list = 0
CupelUncovered
call s:expect('location list', map(getloclist(0), {_, item -> item.lnum}), s:missed)
CupelHide
call s:expect('hidden', cupel#signs(bufnr('%')), [])
CupelToggle
call s:expect('shown', cupel#signs(bufnr('%')), s:all)
" Signs move with the text until the report is read again.
call append(0, '/* one line more */')
call s:expect('moved', cupel#signs(bufnr('%')), map(copy(s:all), {_, entry -> [entry[0] + 1, entry[1]]}))
normal! ggdd
" A changed report is noticed: now nothing ran.
let s:report = readfile(g:cupel_tracefile)
call writefile(map(copy(s:report), {_, line -> substitute(line, '^\(DA:\d\+\),.*$', '\1,0', '')}) + ['TN:'], g:cupel_tracefile)
let g:cupel_source = 'tracefile'
call cupel#poll()
call s:expect('after the change', uniq(sort(map(cupel#signs(bufnr('%')), {_, entry -> entry[1]}))), ['uncovered'])
call writefile(s:report, g:cupel_tracefile)
call cupel#poll()
call s:expect('and back', len(filter(cupel#signs(bufnr('%')), {_, entry -> entry[1] ==# 'covered'})) > 0, 1)
