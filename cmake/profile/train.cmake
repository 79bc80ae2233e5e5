# cmake -Dtrain=PROGRAM -Dinputs=FILES -Dcounts=FILES -Dfresh=FOLDER -P train.cmake: runs the program, whose counts would go to the files named, and renews those that are others now. The rest keeps its
# time, so that only what is counted otherwise than before is compiled again.
file(REMOVE_RECURSE ${fresh}) # else a run adds to the last one's
set(ENV{GCOV_PREFIX} ${fresh})
execute_process(COMMAND ${train} ${inputs} COMMAND_ERROR_IS_FATAL ANY)
foreach(file ${counts})
	file(COPY_FILE ${fresh}${file} ${file} ONLY_IF_DIFFERENT)
endforeach()
