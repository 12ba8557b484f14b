tar czf out.tgz ./dist
