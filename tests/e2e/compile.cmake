# Compiles the bundled model to OUT/g2p and OUT/g2p.so.
foreach(name g2p g2p.so)
  execute_process(COMMAND ${DECANT} compile ${MODEL} -o ${OUT}/${name} --report COMMAND_ERROR_IS_FATAL ANY)
endforeach()
