" Run headless: opens $CUPEL_TEST_SOURCE and writes "line mark" for every sign of the plugin to $CUPEL_TEST_OUTPUT.
set nomore
let &runtimepath = $CUPEL_TEST_PLUGIN . ',' . &runtimepath
runtime plugin/cupel.vim
execute 'edit' fnameescape($CUPEL_TEST_SOURCE)
if $CUPEL_TEST_SCRIPT !=# ''
  execute 'source' fnameescape($CUPEL_TEST_SCRIPT)
endif
call writefile(map(cupel#signs(bufnr('%')), {_, entry -> entry[0] . ' ' . entry[1]}), $CUPEL_TEST_OUTPUT)
qall!
