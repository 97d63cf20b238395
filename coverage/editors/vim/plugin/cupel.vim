" Marks of cupel's coverage report in Vim (8.1 or later) and Neovim. See :help cupel.
if exists('g:loaded_cupel') || !has('signs') || !exists('*sign_place')
  finish
endif
let g:loaded_cupel = 1

command! -bar CupelShow call cupel#show(bufnr('%'))
command! -bar CupelHide call cupel#hide(bufnr('%'))
command! -bar CupelToggle call cupel#toggle(bufnr('%'))
command! -bar CupelRefresh call cupel#refresh()
command! -bar CupelUncovered call cupel#list(bufnr('%'))
command! -bar CupelSummary call cupel#summary(bufnr('%'))

nnoremap <silent> <Plug>(cupel-next) :<C-u>call cupel#jump(1, v:count1)<CR>
nnoremap <silent> <Plug>(cupel-previous) :<C-u>call cupel#jump(-1, v:count1)<CR>

augroup cupel
  autocmd!
  autocmd BufReadPost,BufNewFile *.c,*.h call cupel#attach(str2nr(expand('<abuf>')))
  autocmd BufEnter,FocusGained,CursorHold *.c,*.h call cupel#poll()
  autocmd BufWritePost *.c,*.h call cupel#refresh()
augroup END

" Files that were open before the plugin was loaded.
for s:info in getbufinfo({'bufloaded': 1})
  if s:info.name =~# '\.[ch]$'
    call cupel#attach(s:info.bufnr)
  endif
endfor
