// Gin: a task from memory.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"

	"github.com/gin-gonic/gin"
)

type task struct {
	ID       int    `json:"id"`
	Title    string `json:"title"`
	Status   string `json:"status"`
	Priority int    `json:"priority"`
	Agent    string `json:"agent"`
}

func main() {
	tasks := map[int]task{}
	for n := 0; n < 1000; n++ {
		tasks[n] = task{n, fmt.Sprintf("task %d", n), "ready", n % 5, "bench"}
	}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.GET("/api/v1/tasks/:id", func(c *gin.Context) {
		id, err := strconv.Atoi(c.Param("id"))
		found, ok := tasks[id]
		if err != nil || !ok {
			c.Status(http.StatusNotFound)
			return
		}
		c.JSON(http.StatusOK, found)
	})
	if err := router.Run("127.0.0.1:" + os.Getenv("PORT")); err != nil {
		panic(err)
	}
}
