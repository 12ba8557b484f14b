env | grep PATH
