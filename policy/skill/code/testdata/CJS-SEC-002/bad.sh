git clone https://me:s3cr3tvalue@git.vendor.test/r.git
