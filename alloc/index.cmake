# The address index and queries of any address.
target_sources(cupel_alloc PRIVATE src/index.c src/index_hash.c src/index_memtable.c src/index_pages.c src/query.c src/region.c)
if(CUPEL_TESTS)
  cupel_add_tests(alloc_index LINK cupel::alloc SOURCES tests/test_index.c tests/test_index_fuzz.c tests/test_query.c)
endif()
